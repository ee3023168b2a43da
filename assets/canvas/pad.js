// The drawing pad. Strokes are kept as vectors, drawn at once, and sent to the lab while the pen moves.

import { LOADING, NOTHING, showAnswer } from "./answer.js";
import { latest } from "./latest.js";
import { drawByKeys } from "./nib.js";
import { Strokes, dab } from "./strokes.js";
import { EMPTY, painters } from "./views.js";

const ERASER = 1.8; // times the pen's width
const ERASER_END = 32; // the bit of PointerEvent.buttons for the eraser end of a pen
const AROUND = 76; // pixels: margins and footer round the pad
const LEAST_CONTENT = 600; // pixels; less is there only until the page is drawn, and the links below must not jump
const AGAIN_MS = 1000; // between two questions while something is being prepared in the background
const KEYS = { z: "undo", y: "redo", c: "clear", p: "pen", e: "eraser", a: "add" };

// Called once by Gradio for the pad's HTML component; the arguments are what it offers to a component's script.
export function startPad({ element, props, trigger, server, watch }) {
  const part = (role) => element.querySelector(`[data-role="${role}"]`);
  const canvas = part("canvas"), context = canvas.getContext("2d");
  const sheet = document.createElement("canvas"); // what is sent: black ink on a transparent page, half the pad's size
  sheet.width = canvas.width / 2; sheet.height = canvas.height / 2;
  const strokes = new Strokes(), { dashboard } = element.querySelector(".gl").dataset; // '' where the canvas is served alone
  let current = null, pointer = null, erasing = false;
  let view = "nearest", models = [], beside = null, repeat = null;

  function redraw() {
    context.clearRect(0, 0, canvas.width, canvas.height);
    strokes.drawn.forEach((stroke) => dab(context, stroke, 1));
  }

  function picture() {
    const pen = sheet.getContext("2d");
    pen.clearRect(0, 0, sheet.width, sheet.height);
    pen.drawImage(canvas, 0, 0, sheet.width, sheet.height);
    return sheet.toDataURL("image/png");
  }

  const question = () => (strokes.empty ? null : [picture(), part("model").value, view, beside ? [...beside] : []]);
  const waits = () => { if (!strokes.empty && !part("rows").children.length) showAnswer(part, LOADING); }; // before the first answer
  const askLook = latest((data) => server.look(data), question, (answer) => {
    const shown = showAnswer(part, answer);
    if (view !== "why") showView(shown.view);
  }, waits);
  const askWhy = latest((data) => server.why(data), () => (view === "why" && question()?.slice(0, 2)) || null, (answer) => { if (view === "why") showView(answer); });

  function tell() { // what other parts of the page read
    props.value = JSON.stringify({ picture: strokes.empty ? "" : picture(), model: part("model").value, strokes: strokes.drawn.length });
  }

  function changed(ended) {
    part("hint").hidden = !strokes.empty;
    part("undo").disabled = part("clear").disabled = strokes.empty;
    part("redo").disabled = !strokes.undone.length;
    askLook(ended);
    if (!ended) return;
    tell();
    trigger("change");
    rested();
  }

  function rested() {
    if (view !== "why") return;
    if (strokes.empty) showView(null);
    else askWhy(true);
  }

  function showView(data) {
    clearTimeout(repeat);
    const box = part("view");
    if (!data && view === "models" && models.length) data = { kind: "models", items: [] };
    if (!data) data = { kind: "message", note: EMPTY[view] };
    const fresh = document.createElement("div"), old = box.querySelector(".gl-map");
    const focused = [...box.querySelectorAll("a")].indexOf(document.activeElement); // a link keeps the focus when what it stands in is drawn again
    if (old && data.kind === "map") fresh.append(old);
    painters[data.kind](fresh, data, { models, beside, dashboard, choose: chooseBeside, prepare });
    box.replaceChildren(...fresh.childNodes);
    if (focused >= 0) box.querySelectorAll("a")[focused]?.focus({ preventScroll: true });
    if (data.again) repeat = setTimeout(() => askLook(true), AGAIN_MS);
  }

  function chooseBeside(name, chosen) {
    if (chosen) beside.add(name);
    else beside.delete(name);
    askLook(true);
  }

  async function prepare() {
    await server.prepare([part("model").value]);
    askLook(true);
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
  }

  function begin(point, erase = erasing) {
    current = { erase, width: Number(part("width").value) * (erase ? ERASER : 1), points: [point] };
    strokes.add(current); dab(context, current, 1); changed(false);
  }
  function go(points) {
    if (!strokes.drawn.includes(current)) return; // taken back while it was drawn
    const from = current.points.length;
    current.points.push(...points);
    dab(context, current, from); changed(false);
  }
  function end() { current = null; changed(true); }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || (event.pointerType === "mouse" && event.button !== 0)) return;
    event.preventDefault(); canvas.focus({ preventScroll: true, focusVisible: false });
    pointer = event.pointerId; canvas.setPointerCapture(pointer);
    begin(at(event), erasing || (event.buttons & ERASER_END) > 0);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const between = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    go((between.length ? between : [event]).map(at));
  });
  ["pointerup", "pointercancel", "lostpointercapture"].forEach((name) => canvas.addEventListener(name, (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null; end();
  }));
  drawByKeys(canvas, part("nib"), { begin, go, end });

  function usePen(erase) {
    erasing = erase;
    part("pen").setAttribute("aria-pressed", String(!erase)); part("eraser").setAttribute("aria-pressed", String(erase));
  }

  const redrawn = (did) => { if (did) { redraw(); changed(true); } };
  const actions = {
    undo: () => redrawn(strokes.undo()),
    redo: () => redrawn(strokes.redo()),
    clear: () => redrawn(strokes.clear()),
    pen: () => usePen(false),
    eraser: () => usePen(true),
    add: () => { // the pad and the button below it are often not in sight together
      const button = document.querySelector("#add-example");
      if (button?.offsetParent) button.click();
    },
  };
  ["undo", "redo", "clear", "pen", "eraser"].forEach((role) => part(role).addEventListener("click", actions[role]));
  part("model").addEventListener("change", () => { aboutModel(); changed(true); });

  document.addEventListener("keydown", (event) => {
    if (!element.isConnected || event.altKey || event.target.closest("input:not([type=range]), textarea, select, [contenteditable=true]")) return;
    const key = event.key.toLowerCase(), command = event.ctrlKey || event.metaKey;
    if (command && key !== "z" && key !== "y") return;
    if (/^[1-9]$/.test(key) && Number(key) <= part("model").options.length) { part("model").selectedIndex = Number(key) - 1; aboutModel(); changed(true); }
    else if (key === "[" || key === "]") { part("width").value = Number(part("width").value) + (key === "[" ? -6 : 6); }
    else if (KEYS[key]) { actions[key === "z" && event.shiftKey ? "redo" : KEYS[key]](); event.preventDefault(); }
  });

  part("tabs").addEventListener("click", (event) => {
    const button = event.target.closest("[data-view]");
    if (!button) return;
    view = button.dataset.view;
    part("tabs").querySelectorAll("[data-view]").forEach((each) => each.setAttribute("aria-selected", String(each === button)));
    showView(null); askLook(true); rested();
  });

  function aboutModel() { // the closed list has room for a name alone
    const model = models.find((one) => one.name === part("model").value);
    part("about").textContent = model?.about ?? "";
    part("groups").textContent = model?.alike ?? "";
    part("alike").hidden = !model?.alike;
  }

  async function refresh() {
    const named = new URLSearchParams(location.search).get("model");
    const found = await server.models([part("model").value || named || ""]);
    if (!found) return;
    models = found.models;
    if (!beside) beside = new Set(models.slice(0, 3).map((model) => model.name));
    const picker = part("model"), chosen = picker.value || named;
    part("keys").textContent = String(Math.min(9, models.length));
    picker.replaceChildren(...models.map((model) => new Option(model.short, model.name)));
    picker.value = models.some((model) => model.name === chosen) ? chosen : found.best;
    aboutModel();
    if (pointer === null) tell();
    if (!models.length) showAnswer(part, { ...NOTHING, headline: "No model yet", note: "Train one on the Train page, then come back." });
    else if (!strokes.empty) askLook(true);
  }
  addEventListener("focus", () => { if (element.isConnected) refresh(); }); // models trained in another tab appear
  watch("value", () => { // a drawing was kept, and leaves the pad; what was drawn since then stays
    const { kept } = JSON.parse(props.value || "{}");
    if (!kept || strokes.empty) return;
    strokes.forget(kept); redraw(); changed(false);
    if (strokes.empty) rested();
    else tell();
  });
  showView(null);
  refresh();

  // On the lab's own page the canvas stands in a frame of the same origin: as tall as what it shows, so that nothing is scrolled twice.
  const frame = window.frameElement, content = element.closest("main")?.firstElementChild;
  document.documentElement.classList.toggle("gl-framed", Boolean(frame)); // it begins where the page's own texts begin
  if (frame) frame.dataset.ready = "yes"; // the page's words that it is loading go (app/sections/canvas_frame.py)
  if (frame && content) new ResizeObserver(() => {
    if (content.offsetHeight > LEAST_CONTENT) frame.style.height = `${Math.ceil(content.offsetHeight) + AROUND}px`;
  }).observe(content);
  // A message stands at the top of what is seen of the frame (assets/canvas/page.css), not at its own top, which may be scrolled away.
  const follow = () => document.documentElement.style.setProperty("--gl-out", `${Math.max(0, Math.round(-frame.getBoundingClientRect().top))}px`);
  if (frame) frame.ownerDocument.addEventListener("scroll", follow, { capture: true, passive: true });
}
