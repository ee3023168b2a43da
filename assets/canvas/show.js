// What the lab answered: the headline and bars, the views beside them, and the list of models.
const NOTHING = { kind: "blank", headline: "Nothing drawn yet", note: "The answer follows your pen.", rows: [] };
const LOADING = { kind: "blank", headline: "Reading …", note: "The model is being loaded.", rows: [] };
const SILENT = { kind: "blank", headline: "The lab does not answer", note: "Is it still running? Draw on to try again.", rows: [] };
let view = "nearest", models = [], beside = null, repeat = null;

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}%`;

function showAnswer(answer) {
  if (answer === undefined) answer = SILENT;
  if (answer === null) answer = NOTHING;
  const glyph = part("glyph");
  glyph.textContent = answer.glyph || "";
  glyph.classList.toggle("gl-long", (answer.glyph || "").length > 2);
  glyph.classList.toggle("gl-guess", answer.kind !== "sure" && answer.kind !== "taught");
  part("headline").textContent = answer.headline;
  part("note").textContent = answer.note || "";
  part("seen").parentElement.classList.toggle("gl-there", Boolean(answer.seen));
  if (answer.seen) part("seen").src = answer.seen;
  const rows = part("rows");
  while (rows.children.length > answer.rows.length) rows.lastChild.remove();
  answer.rows.forEach((row, i) => showRow(rows, row, i));
  if (view !== "why") showView(answer.view);
}

function showRow(rows, row, i) {
  let item = rows.children[i];
  if (!item) {
    item = make("li");
    item.append(make("span", "gl-label"), make("span", "gl-track"), make("span", "gl-percent"));
    rows.append(item);
  }
  const [label, track, share] = item.children;
  item.className = i === 0 ? "gl-top" : "";
  label.replaceChildren(row.members[0].label, make("span", "", row.members.slice(1).map((one) => ` ${one.label}`).join("")));
  label.title = row.members.map((one) => `${one.label} ${percent(one.share)}`).join(", ");
  while (track.children.length > row.members.length) track.lastChild.remove();
  row.members.forEach((one, j) => {
    if (!track.children[j]) track.append(make("span", "gl-fill"));
    track.children[j].style.width = `${100 * one.share}%`;
  });
  share.textContent = percent(row.share);
}

const painters = {
  nearest(box, data) {
    box.append(make("p", "", data.note));
    const grid = make("div", "gl-grid");
    data.items.forEach((item) => {
      const figure = make("figure", item.same ? "gl-same" : ""), image = make("img", "gl-ink");
      image.src = item.image; image.alt = `A training image of ${item.label}`;
      figure.append(image, make("figcaption", "gl-small", `${item.label} · ${item.similarity.toFixed(2)}`));
      grid.append(figure);
    });
    box.append(grid);
  },
  models(box, data) {
    const list = make("div", "gl-models");
    models.forEach((model) => {
      const row = make("label"), tick = make("input"), found = data.items.find((item) => item.model === model.name);
      tick.type = "checkbox"; tick.checked = beside.has(model.name); tick.setAttribute("aria-label", `Ask ${model.label}`);
      tick.addEventListener("change", () => { tick.checked ? beside.add(model.name) : beside.delete(model.name); askLook(); });
      const image = make("img", "gl-ink"), text = make("span");
      if (found && found.seen) { image.src = found.seen; image.alt = "what this model sees"; } else image.style.visibility = "hidden";
      text.append(make("i", "", model.title), make("i", "gl-small", found ? found.note : "not asked"));
      row.append(tick, image, make("b", "", found ? found.glyph : ""), text);
      list.append(row);
    });
    box.append(list);
  },
  why(box, data) {
    const pair = make("div", "gl-pair");
    data.items.forEach((item) => {
      const figure = make("figure"), image = make("img");
      image.src = item.image; image.alt = item.title;
      figure.append(image, make("figcaption", "gl-small", item.title));
      pair.append(figure);
    });
    box.append(pair, make("p", "gl-small", data.note));
  },
  map(box, data) {
    const old = box.querySelector(".gl-map");
    const plot = old && old.dataset.stamp === data.stamp ? old : drawMap(data);
    const dot = plot.querySelector(".gl-here");
    dot.setAttribute("cx", data.here[0]); dot.setAttribute("cy", data.here[1]);
    box.append(plot, make("p", "gl-small", data.note));
  },
  message(box, data) {
    box.append(make("p", "gl-small", data.note));
    if (data.action) {
      const button = make("button", "", data.action);
      button.type = "button"; button.style.justifySelf = "start";
      button.addEventListener("click", async () => { button.disabled = true; await server.prepare([part("model").value]); askLook(); });
      box.append(button);
    }
  },
};
const EMPTY = {
  nearest: "Draw, and the training images nearest to your drawing appear here.",
  models: "Draw, and several models judge the same drawing side by side.",
  why: "Draw, and the strokes that speak for the answer light up.",
  map: "Draw, and see where the drawing falls among the training images.",
};

function showView(data) {
  clearTimeout(repeat);
  const box = part("view");
  if (!data && view === "models" && models.length) data = { kind: "models", items: [] };
  if (!data) data = { kind: "message", note: EMPTY[view] };
  const fresh = document.createElement("div"), old = box.querySelector(".gl-map");
  if (old && data.kind === "map") fresh.append(old);
  painters[data.kind](fresh, data);
  box.replaceChildren(...fresh.childNodes);
  if (data.again) repeat = setTimeout(askLook, 1000);   // something is being prepared in the background
}

function drawMap(data) {
  const space = "http://www.w3.org/2000/svg", plot = document.createElementNS(space, "svg");
  plot.setAttribute("viewBox", "0 0 400 300"); plot.setAttribute("class", "gl-map"); plot.dataset.stamp = data.stamp;
  plot.setAttribute("role", "img"); plot.setAttribute("aria-label", "Map of the model's embedding with your drawing in it");
  const put = (tag, attributes, text) => {
    const node = document.createElementNS(space, tag);
    Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
    if (text) node.textContent = text;
    plot.append(node);
  };
  data.points.forEach(([x, y, colour]) => put("circle", { cx: x, cy: y, r: 2.4, fill: data.colours[colour], opacity: 0.55 }));
  data.labels.forEach(([x, y, text]) => put("text", { x, y, "text-anchor": "middle", "font-size": 11, "font-weight": 600, fill: "currentColor" }, text));
  put("circle", { class: "gl-here", r: 6, fill: "none", stroke: "currentColor", "stroke-width": 2.5 });
  return plot;
}

const question = () => (strokes.length ? [picture(), part("model").value, view, beside ? [...beside] : []] : null);
const waits = () => { if (strokes.length && !part("rows").children.length) showAnswer(LOADING); };   // before the first answer
const askLook = latest((data) => server.look(data), question, showAnswer, waits);
const askWhy = latest((data) => server.why(data), () => (view === "why" ? question() : null), (answer) => { if (view === "why") showView(answer); });
function rested() { if (view === "why") strokes.length ? askWhy() : showView(null); }

part("tabs").addEventListener("click", (event) => {
  const button = event.target.closest("[data-view]");
  if (!button) return;
  view = button.dataset.view;
  part("tabs").querySelectorAll("[data-view]").forEach((each) => each.setAttribute("aria-selected", String(each === button)));
  showView(null); askLook(); rested();
});

async function refresh() {
  const found = await server.models([]);
  if (!found) return;
  models = found.models;
  if (!beside) beside = new Set(models.slice(0, 3).map((model) => model.name));
  const picker = part("model"), asked = new URLSearchParams(location.search).get("model"), chosen = picker.value || asked;
  picker.replaceChildren(...models.map((model) => new Option(model.label, model.name)));
  picker.value = models.some((model) => model.name === chosen) ? chosen : found.best;
  if (!models.length) showAnswer({ ...NOTHING, headline: "No model yet", note: "Train one on the Train page, then come back." });
  else if (strokes.length) askLook();
}
addEventListener("focus", () => { if (element.isConnected) refresh(); });   // models trained in another tab appear
watch("value", () => { if (!props.value && strokes.length) { strokes = []; undone = []; redraw(); changed(false); rested(); } });
showView(null);
refresh();

// On the lab's own page the canvas stands in a frame of the same origin: as tall as what it shows, so that nothing is scrolled twice.
const frame = window.frameElement, content = element.closest("main")?.firstElementChild, AROUND = 76;  // margins and the footer, pixels
if (frame && content) new ResizeObserver(() => { frame.style.height = `${Math.ceil(content.offsetHeight) + AROUND}px`; }).observe(content);
