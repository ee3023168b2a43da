// The views beside the answer: nearest training images, several models, the strokes that count, the map.

import { alike, make } from "./elements.js";

export const EMPTY = {
  nearest: "Draw, and the training images nearest to your drawing appear here.",
  models: "Draw, and several models classify the same drawing side by side.",
  why: "Draw, and the strokes that led to the prediction are coloured.",
  map: "Draw, and see where the drawing falls among the training images.",
};

const MOST_BESIDE = 6; // models that the lab asks about one drawing (app/canvas_tabs/views.py)

// What stands beside a model that has not answered: `ticked`, among others in the order in which they were.
export function unanswered(name, ticked) {
  const place = [...ticked].indexOf(name);
  if (place < 0) return "not asked: tick to include it";
  return place < MOST_BESIDE ? "" : `not asked: ${MOST_BESIDE} at most, untick another`;
}

// Each fills `box` with `data`, the lab's answer. pad: {models, beside, dashboard, choose(name, chosen), prepare()}.
export const painters = {
  nearest(box, data, pad) {
    const linked = pad.dashboard && data.items.some((item) => item.card);
    box.append(make("p", "", linked ? `${data.note} Click an image to see all that the lab knows of it.` : data.note));
    const grid = make("div", "gl-grid");
    data.items.forEach((item) => {
      const figure = make("figure", item.same ? "gl-same" : ""), image = make("img", "gl-ink");
      image.src = item.image; image.alt = `An image of ${item.label}`;
      const shown = pad.dashboard && item.card ? cardLink(pad.dashboard, item, image) : image;
      figure.append(shown, make("figcaption", "gl-small", `${item.label} · ${alike(item.similarity)}`));
      grid.append(figure);
    });
    box.append(grid);
  },
  models(box, data, pad) {
    const list = make("div", "gl-models");
    pad.models.forEach((model) => {
      const row = make("label"), tick = make("input"), found = data.items.find((item) => item.model === model.name);
      tick.type = "checkbox"; tick.checked = pad.beside.has(model.name); tick.setAttribute("aria-label", `Ask ${model.label}`);
      tick.addEventListener("change", () => pad.choose(model.name, tick.checked));
      const image = make("img", "gl-ink"), text = make("span");
      if (found && found.seen) { image.src = found.seen; image.alt = "what this model sees"; } else image.style.visibility = "hidden";
      text.append(make("i", "", model.title), make("i", "gl-small", found ? found.note : unanswered(model.name, pad.beside)));
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
  message(box, data, pad) {
    box.append(make("p", "gl-small", data.note));
    if (data.action) {
      const button = make("button", "", data.action);
      button.type = "button"; button.style.justifySelf = "start";
      button.addEventListener("click", () => { button.disabled = true; pad.prepare(); });
      box.append(button);
    }
  },
};

// In a tab of its own, or the drawing would be lost.
function cardLink(dashboard, item, image) {
  const link = make("a");
  link.href = `${dashboard}/sample?${item.card}`; link.target = "_blank"; link.rel = "noopener";
  link.setAttribute("aria-label", `Training image of ${item.label}, similarity ${alike(item.similarity)}: open it in a new tab`);
  link.append(image);
  return link;
}

function drawMap(data) {
  const space = "http://www.w3.org/2000/svg", plot = document.createElementNS(space, "svg");
  plot.setAttribute("viewBox", "0 0 400 300"); plot.setAttribute("class", "gl-map"); plot.dataset.stamp = data.stamp;
  plot.setAttribute("role", "img"); plot.setAttribute("aria-label", "Map of the training images with your drawing in it");
  const put = (tag, attributes, text) => {
    const node = document.createElementNS(space, tag);
    Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
    if (text) node.textContent = text;
    plot.append(node);
  };
  data.points.forEach(([x, y, code]) => {
    const [fill, d] = data.marks[code];
    put("path", { d, fill, "fill-rule": "evenodd", opacity: 0.6, transform: `translate(${x} ${y}) scale(2.6)` });
  });
  data.labels.forEach(([x, y, text]) => put("text", { x, y, "text-anchor": "middle", "font-size": 11, "font-weight": 600, fill: "currentColor" }, text));
  put("circle", { class: "gl-here", r: 6, fill: "none", stroke: "currentColor", "stroke-width": 2.5 });
  return plot;
}
