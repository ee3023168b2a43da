// The drawing pad: strokes are kept as vectors, drawn at once, and sent to the lab while the pen moves. Only one question
// is under way at a time and the newest drawing is asked next, so a burst of strokes can never queue up.
const part = (role) => element.querySelector(`[data-role="${role}"]`);
const canvas = part("canvas"), context = canvas.getContext("2d", { desynchronized: true });
const sheet = document.createElement("canvas");   // what is sent: black ink on a transparent page, half the size
sheet.width = canvas.width / 2; sheet.height = canvas.height / 2;
const LEAST_GAP_MS = 50;
let strokes = [], undone = [], current = null, pointer = null, erasing = false, asking = false, stale = false, lastAsked = 0, timer = null;

function dab(stroke, from) {
  const points = stroke.points;
  context.globalCompositeOperation = stroke.erase ? "destination-out" : "source-over";
  context.strokeStyle = context.fillStyle = "#000";
  context.lineWidth = stroke.width; context.lineCap = context.lineJoin = "round";
  context.beginPath();
  if (points.length === 1) { context.arc(points[0][0], points[0][1], stroke.width / 2, 0, 7); context.fill(); return; }
  const start = Math.max(from, 1);
  const middle = (i) => [(points[i - 1][0] + points[i][0]) / 2, (points[i - 1][1] + points[i][1]) / 2];
  context.moveTo(...(start === 1 ? points[0] : middle(start - 1)));
  for (let i = start; i < points.length; i++) context.quadraticCurveTo(...points[i - 1], ...middle(i));
  context.lineTo(...points[points.length - 1]);
  context.stroke();
}

function redraw() {
  context.clearRect(0, 0, canvas.width, canvas.height);
  strokes.forEach((stroke) => dab(stroke, 1));
}

function changed(ended) {
  part("hint").hidden = strokes.length > 0;
  part("undo").disabled = part("clear").disabled = !strokes.length;
  part("redo").disabled = !undone.length;
  ask();
  if (ended) publish();
}

function picture() {
  const pen = sheet.getContext("2d");
  pen.clearRect(0, 0, sheet.width, sheet.height);
  pen.drawImage(canvas, 0, 0, sheet.width, sheet.height);
  return sheet.toDataURL("image/png");
}

function publish() { props.value = JSON.stringify({ picture: strokes.length ? picture() : "", model: part("model").value }); trigger("change"); }

async function ask() {
  stale = true;
  if (asking) return;
  const wait = LEAST_GAP_MS - (performance.now() - lastAsked);
  if (wait > 0) { clearTimeout(timer); timer = setTimeout(ask, wait); return; }
  asking = true; stale = false; lastAsked = performance.now();
  try {
    const answer = strokes.length ? await server.look([picture(), part("model").value]) : null;
    if (strokes.length || !answer) show(answer);
  } finally {
    asking = false;
    if (stale) ask();
  }
}

function show(answer) {
  if (answer === undefined) answer = { headline: "The lab does not answer", note: "Is it still running? Draw on to try again.", rows: [] };
  if (answer === null) answer = { headline: "Nothing drawn yet", note: "The answer follows your pen.", rows: [] };
  part("glyph").textContent = answer.glyph || "\u00a0";
  part("headline").textContent = answer.headline;
  part("note").textContent = answer.note || "";
  part("seen").hidden = !answer.seen;
  if (answer.seen) part("seen").src = answer.seen;
  const rows = part("rows");
  while (rows.children.length > answer.rows.length) rows.lastChild.remove();
  answer.rows.forEach((row, i) => {
    let item = rows.children[i];
    if (!item) {
      item = document.createElement("li");
      item.innerHTML = '<span class="gl-label"></span><span class="gl-track"><span class="gl-fill" style="display:block"></span></span><span class="gl-percent"></span>';
      rows.append(item);
    }
    item.className = i === 0 ? "gl-top" : "";
    item.children[0].textContent = row.label;
    item.querySelector(".gl-fill").style.width = `${100 * row.p}%`;
    item.children[2].textContent = `${(100 * row.p).toFixed(row.p < 0.0995 ? 1 : 0)}%`;
  });
}

function at(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
}

canvas.addEventListener("pointerdown", (event) => {
  if (pointer !== null || (event.pointerType === "mouse" && event.button !== 0)) return;
  event.preventDefault(); canvas.focus({ preventScroll: true });
  pointer = event.pointerId; canvas.setPointerCapture(pointer);
  current = { erase: erasing || (event.buttons & 32) > 0, width: Number(part("width").value) * (erasing ? 1.6 : 1), points: [at(event)] };
  strokes.push(current); undone = []; dab(current, 1); changed(false);
});
canvas.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer) return;
  const from = current.points.length;
  const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  (events.length ? events : [event]).forEach((each) => current.points.push(at(each)));
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
  pen() { tool(false); }, eraser() { tool(true); },
};
function tool(erase) {
  erasing = erase;
  part("pen").setAttribute("aria-pressed", String(!erase)); part("eraser").setAttribute("aria-pressed", String(erase));
}
Object.keys(deeds).forEach((role) => part(role).addEventListener("click", deeds[role]));
part("model").addEventListener("change", () => changed(true));

const keys = { z: "undo", y: "redo", c: "clear", p: "pen", e: "eraser" };
document.addEventListener("keydown", (event) => {
  if (!element.isConnected || event.target.closest("input:not([type=range]), textarea, select, [contenteditable=true]")) return;
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && key !== "z") return;
  if (event.altKey) return;
  if (/^[1-9]$/.test(key)) {
    const picker = part("model");
    if (Number(key) <= picker.options.length) { picker.selectedIndex = Number(key) - 1; changed(true); }
  } else if (keys[key]) { deeds[key === "z" && event.shiftKey ? "redo" : keys[key]](); event.preventDefault(); }
});

async function refresh() {
  const found = await server.models([]);
  if (!found) return;
  const picker = part("model"), chosen = picker.value;
  picker.replaceChildren(...found.models.map((model, i) => new Option(i < 9 ? `${model.label}  (${i + 1})` : model.label, model.name)));
  picker.value = found.models.some((model) => model.name === chosen) ? chosen : found.best;
  if (!found.models.length) show({ headline: "No model yet", note: "Train one on the Train page, then come back.", rows: [] });
}
part("model").addEventListener("pointerdown", refresh);
watch("value", () => { if (!props.value && strokes.length) { strokes = []; undone = []; redraw(); changed(false); } });
refresh();
