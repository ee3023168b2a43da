// The drawing pad. Strokes are kept as vectors, drawn at once, and sent to the lab while the pen moves. Only one question is
// under way at a time and the newest drawing is asked next, so a burst of changes can never queue up.
const part = (role) => element.querySelector(`[data-role="${role}"]`);
const canvas = part("canvas"), context = canvas.getContext("2d");
const sheet = document.createElement("canvas");   // what is sent: black ink on a transparent page, half the pad's size
sheet.width = canvas.width / 2; sheet.height = canvas.height / 2;
const LEAST_GAP_MS = 40, SLOW_MS = 400, ANSWER_MS = 15000;
const ERASER = 1.8;                               // times the pen's width
let strokes = [], undone = [], current = null, pointer = null, erasing = false, timer = null;

function dab(stroke, from) {
  const points = stroke.points;
  context.globalCompositeOperation = stroke.erase ? "destination-out" : "source-over";
  context.strokeStyle = context.fillStyle = "#000";
  context.lineWidth = stroke.width; context.lineCap = context.lineJoin = "round";
  context.beginPath();
  if (points.length === 1) { context.arc(points[0][0], points[0][1], stroke.width / 2, 0, 7); context.fill(); return; }
  const middle = (i) => [(points[i - 1][0] + points[i][0]) / 2, (points[i - 1][1] + points[i][1]) / 2];
  const start = Math.max(from, 1);
  context.moveTo(...(start === 1 ? points[0] : middle(start - 1)));
  for (let i = start; i < points.length; i++) context.quadraticCurveTo(...points[i - 1], ...middle(i));
  context.lineTo(...points[points.length - 1]);
  context.stroke();
}

function redraw() {
  context.clearRect(0, 0, canvas.width, canvas.height);
  strokes.forEach((stroke) => dab(stroke, 1));
}

function picture() {
  const pen = sheet.getContext("2d");
  pen.clearRect(0, 0, sheet.width, sheet.height);
  pen.drawImage(canvas, 0, 0, sheet.width, sheet.height);
  return sheet.toDataURL("image/png");
}

// Latest wins: `ask()` may be called at any rate; `question()` gives what to send when its turn comes, or null for nothing.
function latest(send, question, show, slow) {
  let asking = false, stale = false, last = -Infinity, waiting = null;
  return async function ask() {
    stale = true;
    if (asking) return;
    const wait = LEAST_GAP_MS - (performance.now() - last);
    if (wait > 0) { clearTimeout(waiting); waiting = setTimeout(ask, wait); return; }
    asking = true; stale = false; last = performance.now();
    const data = question();
    let answer = null;
    if (data) {
      const tardy = slow ? setTimeout(slow, SLOW_MS) : null;
      const limit = new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
      answer = await Promise.race([send(data), limit]).catch(() => undefined);
      clearTimeout(tardy);
    }
    asking = false;
    if (!data || question()) show(answer);        // the pad may have been cleared while we waited
    if (stale) ask();
  };
}

function changed(ended) {
  part("hint").hidden = strokes.length > 0;
  part("undo").disabled = part("clear").disabled = !strokes.length;
  part("redo").disabled = !undone.length;
  askLook();
  if (!ended) return;
  props.value = JSON.stringify({ picture: strokes.length ? picture() : "", model: part("model").value });
  trigger("change");
  rested();
}

function at(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
}

canvas.addEventListener("pointerdown", (event) => {
  if (pointer !== null || (event.pointerType === "mouse" && event.button !== 0)) return;
  event.preventDefault(); canvas.focus({ preventScroll: true, focusVisible: false });
  pointer = event.pointerId; canvas.setPointerCapture(pointer);
  const erase = erasing || (event.buttons & 32) > 0;   // 32: the eraser end of a pen
  current = { erase, width: Number(part("width").value) * (erase ? ERASER : 1), points: [at(event)] };
  strokes.push(current); undone = []; dab(current, 1); changed(false);
});
canvas.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer) return;
  const from = current.points.length, between = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  (between.length ? between : [event]).forEach((each) => current.points.push(at(each)));
  dab(current, from); changed(false);
});
["pointerup", "pointercancel", "lostpointercapture"].forEach((name) => canvas.addEventListener(name, (event) => {
  if (event.pointerId !== pointer) return;
  pointer = null; current = null; changed(true);
}));

const deeds = {
  undo() { if (strokes.length) { undone.push(strokes.pop()); redraw(); changed(true); } },
  redo() { if (undone.length) { strokes.push(undone.pop()); redraw(); changed(true); } },
  clear() { if (strokes.length) { undone = strokes.reverse(); strokes = []; redraw(); changed(true); } },
  pen() { choose(false); }, eraser() { choose(true); },
};
function choose(erase) {
  erasing = erase;
  part("pen").setAttribute("aria-pressed", String(!erase)); part("eraser").setAttribute("aria-pressed", String(erase));
}
Object.keys(deeds).forEach((role) => part(role).addEventListener("click", deeds[role]));
part("model").addEventListener("change", () => changed(true));

const keys = { z: "undo", y: "redo", c: "clear", p: "pen", e: "eraser" };
document.addEventListener("keydown", (event) => {
  if (!element.isConnected || event.altKey || event.target.closest("input:not([type=range]), textarea, select, [contenteditable=true]")) return;
  const key = event.key.toLowerCase(), command = event.ctrlKey || event.metaKey;
  if (command && key !== "z" && key !== "y") return;
  if (/^[1-9]$/.test(key) && Number(key) <= part("model").options.length) { part("model").selectedIndex = Number(key) - 1; changed(true); }
  else if (key === "[" || key === "]") { part("width").value = Number(part("width").value) + (key === "[" ? -6 : 6); }
  else if (keys[key]) { deeds[key === "z" && event.shiftKey ? "redo" : keys[key]](); event.preventDefault(); }
});
