// What lies over the cloud: class names, images when few are in sight, the selected point and its neighbours, the lasso; and the legend.

import { address } from "./scatter.js";

const MOST_TRAILS = 400;
const MANY_NAMES = 20; // of more, each is written smaller and shorter
const MOST_PICTURES = 160; // when no more points than this are in sight, their images are drawn

// A point as the map draws it, for the legend. path: of SHAPES in app/palette.py.
function shapeOf(path, colour) {
  const space = "http://www.w3.org/2000/svg", picture = document.createElementNS(space, "svg"), line = document.createElementNS(space, "path");
  picture.setAttribute("viewBox", "-1 -1 2 2");
  picture.setAttribute("aria-hidden", "true");
  line.setAttribute("d", path);
  line.setAttribute("fill", colour);
  line.setAttribute("fill-rule", "evenodd");
  picture.append(line);
  return picture;
}

// Where the name of what lies at (x, y) stands in a map of width x height pixels: there, or as near as shows the whole of it; nowhere
// (null) where that is outside the map. half: of the name's width
export function nameAt(x, y, half, width, height) {
  if (x < 0 || y < 0 || x > width || y > height) return null;
  const kept = (value, edge, size) => (size < 2 * edge ? size / 2 : Math.min(Math.max(value, edge), size - edge));
  return [kept(x, half + 4, width), kept(y, 12, height)];
}

// Whether two boxes [left, top, right, bottom] have more in common than an edge.
export const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

// Methods of Scatter, see main.js.
export const drawing = {
  overlay() {
    const { pen, ratio } = this;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    const style = getComputedStyle(this.root), ink = style.color, paper = getComputedStyle(this.stage).backgroundColor;
    if (this.restless) { // nobody knows where each point lies until the map rests
      this.drawNames(ink, paper);
      this.status(`${this.data.count.toLocaleString()} images, of which some are drawn while the map moves`);
      return;
    }
    this.drawContours(ink);
    this.drawTrails();
    this.drawPictures();
    if (this.links.length && this.selected.size === 1) {
      const [from] = this.selected;
      pen.strokeStyle = ink;
      pen.globalAlpha = 0.45;
      pen.lineWidth = 1;
      for (const to of this.links) this.line(from, to);
      pen.globalAlpha = 1;
      for (const to of this.links) this.ring(to, this.dot / 2 + 2, ink, 1.2);
    }
    if (this.selected.size === 1) this.ring([...this.selected][0], this.dot / 2 + 4, ink, 2.5);
    for (const place of [this.hovered, this.lit]) if (place >= 0) this.ring(place, this.dot / 2 + 3, ink, 2);
    this.drawNames(ink, paper);
    if (this.data.extra) this.drawExtra(ink, paper);
    if (this.polygon?.length > 1) {
      pen.beginPath();
      this.polygon.forEach(([x, y]) => pen.lineTo(x, y));
      pen.closePath();
      pen.globalAlpha = 0.12;
      pen.fillStyle = ink;
      pen.fill();
      pen.globalAlpha = 1;
      pen.setLineDash([5, 4]);
      pen.strokeStyle = ink;
      pen.lineWidth = 1.5;
      pen.stroke();
      pen.setLineDash([]);
    }
    if (this.selected.size > 1) this.status(`${this.selected.size.toLocaleString()} of ${this.data.count.toLocaleString()} selected`);
    else this.status(`${this.data.count.toLocaleString()} images`);
  },

  drawTrails() { // from where the stressed points were before to where they are now
    const { data, pen } = this, { layer, dims } = data;
    if (!data.frames?.travels || !layer.stressed.length || !this.moment) return;
    const stressed = new Set(layer.stressed), places = [];
    for (let i = 0; i < data.count && places.length <= MOST_TRAILS; i++) if (this.shown[i] && stressed.has(this.codes[i])) places.push(i);
    if (places.length > MOST_TRAILS) return;
    const began = new Float32Array(3 * places.length);
    places.forEach((i, k) => { for (let d = 0; d < dims; d++) began[3 * k + d] = this.frames[i * dims + d]; });
    const from = this.view.project(began, new Float32Array(2 * places.length)), pixels = this.spots();
    pen.lineWidth = 1.2;
    pen.globalAlpha = 0.55;
    places.forEach((i, k) => {
      pen.strokeStyle = layer.palette[this.codes[i]];
      pen.beginPath();
      pen.moveTo(from[2 * k], from[2 * k + 1]);
      pen.lineTo(pixels[2 * i], pixels[2 * i + 1]);
      pen.stroke();
    });
    pen.globalAlpha = 1;
  },

  line(from, to) {
    this.pen.beginPath();
    const pixels = this.spots();
    this.pen.moveTo(pixels[2 * from], pixels[2 * from + 1]);
    this.pen.lineTo(pixels[2 * to], pixels[2 * to + 1]);
    this.pen.stroke();
  },

  ring(place, radius, colour, width) {
    this.pen.beginPath();
    const pixels = this.spots();
    this.pen.arc(pixels[2 * place], pixels[2 * place + 1], radius, 0, 7);
    this.pen.strokeStyle = colour;
    this.pen.lineWidth = width;
    this.pen.stroke();
  },

  // A class's name stands at the image nearest to its median, which an outlier does not move. What is of no class has no middle.
  drawNames(ink, paper) {
    const { layer } = this.data;
    if (!layer.named || layer.names.length < 2 || this.view.nearness > 12) return;
    if (!this.middles) {
      const members = layer.names.map(() => []);
      for (let i = 0; i < this.data.count; i += 1) if (members[this.codes[i]]?.length < 4000) members[this.codes[i]].push(i);
      const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1];
      const of = (i) => [0, 1, 2].map((axis) => this.positions[3 * i + axis]);
      const apart = (a, b) => Math.hypot(...a.map((each, axis) => each - b[axis]));
      this.middles = members.map((all) => {
        const at = all, centre = [0, 1, 2].map((axis) => middle(at.map((i) => this.positions[3 * i + axis])));
        return at.length && at.map(of).reduce((best, each) => (apart(each, centre) < apart(best, centre) ? each : best)); // a class may lie in several places
      });
    }
    const { pen } = this, flat = Float32Array.from(this.middles.flatMap((at) => at || [NaN, NaN, NaN]));
    const spots = this.view.project(flat, new Float32Array(2 * this.middles.length));
    pen.font = `600 ${layer.names.length > MANY_NAMES ? 13 : 15}px ${getComputedStyle(this.root).fontFamily}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    const taken = [], free = (box) => taken.every((other) => !overlap(box, other));
    layer.names.forEach((full, code) => {
      if (!this.middles[code] || this.hidden.has(code) || layer.nameless.includes(code) || full.length > 24) return;
      const name = layer.names.length > MANY_NAMES ? full.replace(" · cluster ", " · ") : full, half = pen.measureText(name).width / 2;
      const place = nameAt(spots[2 * code], spots[2 * code + 1], half, this.width, this.height);
      if (!place) return;
      const box = [place[0] - half, place[1] - 7, place[0] + half, place[1] + 7];
      if (!free(box) && this.focus !== code) return; // closer up there is room for it
      taken.push(box);
      pen.globalAlpha = this.focus === undefined || this.focus === code ? 1 : 0.25;
      pen.strokeStyle = paper;
      pen.lineWidth = 4;
      pen.strokeText(name, ...place);
      pen.fillStyle = ink;
      pen.fillText(name, ...place);
    });
    pen.globalAlpha = 1;
  },

  drawExtra(ink, paper) { // a picture that is not of the data set, placed on the map
    const { at, image, text } = this.data.extra, { pen } = this;
    const [x, y] = this.view.project(Float32Array.from([...at, 0].slice(0, 3)), new Float32Array(2));
    if (this.extraAddress !== image) {
      this.extraAddress = image;
      this.extraImage = Object.assign(new Image(), { onload: () => this.draw(), src: image });
    }
    pen.fillStyle = paper;
    pen.strokeStyle = ink;
    pen.lineWidth = 2;
    pen.fillRect(x - 20, y - 20, 40, 40);
    if (this.extraImage.complete && this.extraImage.naturalWidth) pen.drawImage(this.extraImage, x - 19, y - 19, 38, 38);
    pen.strokeRect(x - 20, y - 20, 40, 40);
    pen.font = `600 13px ${getComputedStyle(this.root).fontFamily}`;
    pen.textAlign = "center";
    pen.fillStyle = ink;
    pen.fillText(text, x, y + 32);
  },

  drawPictures() {
    if (!this.data.image || this.view.nearness < 2) return;
    const { pen } = this, pixels = this.spots(), inSight = [];
    for (let i = 0, j = 0; i < this.data.count && inSight.length <= MOST_PICTURES; i++, j += 2) {
      if (this.shown[i] && pixels[j] > -20 && pixels[j] < this.width + 20 && pixels[j + 1] > -20 && pixels[j + 1] < this.height + 20) inSight.push(i);
    }
    if (inSight.length > MOST_PICTURES || !inSight.length) return;
    const missing = inSight.filter((i) => !this.pictures.has(i));
    if (missing.length) {
      clearTimeout(this.fetching);
      this.fetching = setTimeout(() => this.fetchPictures(missing), 120);
    }
    const side = this.data.pixelated ? 34 : 56;
    pen.imageSmoothingEnabled = !this.data.pixelated;
    for (const i of inSight) {
      const tile = this.pictures.get(i);
      if (!tile) continue;
      const [x, y] = [pixels[2 * i] - side / 2, pixels[2 * i + 1] - side / 2];
      pen.drawImage(tile.sheet, tile.x, tile.y, tile.size, tile.size, x, y, side, side);
      pen.strokeStyle = this.data.layer.palette[this.codes[i]] ?? "#888";
      pen.lineWidth = 2.5;
      pen.strokeRect(x, y, side, side);
    }
  },

  async fetchPictures(places) { // one sheet of all that are missing, a square of equal tiles
    const answer = await fetch(address(`${this.data.image}/sheet?at=${places.join(",")}`));
    if (!answer.ok) return;
    const sheet = await createImageBitmap(await answer.blob());
    const across = Math.ceil(Math.sqrt(places.length)), size = sheet.width / across;
    places.forEach((place, k) => this.pictures.set(place, { sheet, size, x: (k % across) * size, y: Math.floor(k / across) * size }));
    this.draw();
  },

  writeLegend() {
    const { layer } = this.data, { legend } = this;
    legend.replaceChildren();
    const title = Object.assign(document.createElement("span"), { className: "name", textContent: layer.title });
    legend.append(title);
    if (layer.kind === "value") {
      const ramp = Object.assign(document.createElement("span"), { className: "ramp" });
      ramp.style.background = `linear-gradient(90deg, ${layer.palette.filter((_, i) => i % 16 === 0).concat(layer.palette.at(-1)).join(", ")})`;
      legend.append(layer.low, ramp, layer.high);
      return;
    }
    layer.names.forEach((name, code) => {
      if (!layer.counts[code]) return;
      const chip = document.createElement("button");
      chip.type = "button";
      chip.title = `${name}: ${layer.counts[code].toLocaleString()} images. Click to hide or show, double-click for this one alone.`;
      chip.dataset.code = code;
      const spot = shapeOf(layer.outlines[layer.shapes[code] ?? 0], layer.palette[code]);
      const text = Object.assign(document.createElement("span"), { textContent: name });
      chip.append(spot, text);
      if (layer.names.length <= 12) chip.append(Object.assign(document.createElement("small"), { textContent: layer.counts[code].toLocaleString() }));
      chip.onclick = () => this.toggle(code);
      chip.ondblclick = () => this.alone(code);
      chip.onmouseenter = chip.onfocus = () => this.light(code);
      chip.onmouseleave = chip.onblur = () => this.light(undefined);
      legend.append(chip);
    });
    if (layer.names.length > 2) {
      const all = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: "show all" });
      all.onclick = () => { this.hidden.clear(); this.mark(); };
      legend.append(all);
    }
    this.mark();
  },

  toggle(code) {
    if (!this.hidden.delete(code)) this.hidden.add(code);
    this.mark();
  },

  alone(code) {
    this.hidden = new Set(this.data.layer.names.map((_, other) => other).filter((other) => other !== code));
    this.mark();
  },

  light(code) {
    clearTimeout(this.lighting);
    this.lighting = setTimeout(() => { this.focus = code; this.paint(); }, 60);
  },

  mark() {
    this.legend.querySelectorAll("[data-code]").forEach((chip) => {
      const off = this.hidden.has(Number(chip.dataset.code));
      chip.classList.toggle("off", off);
      chip.setAttribute("aria-pressed", String(!off));
    });
    this.paint();
  },
};
