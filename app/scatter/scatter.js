// The scatter on the page: draws, listens, tells the page what was picked, and lights what another scatter of its group picks.

import { Cloud } from "./cloud.js";
import { decode, eased, hex, mendedOf, rareCodes, shuffled } from "./numbers.js";
import { View } from "./view.js";

const GREY = [128, 128, 128];
const LEAST_SHAPE = 6; // pixels: smaller shapes can't be told apart
const MANY_SHAPES = 20_000; // of more points all would hide one another; close up they are larger

export const address = (path) => new URL(path, document.baseURI).href;

export class Scatter {
  constructor(root) {
    this.root = root;
    const find = (name) => root.querySelector(name);
    [this.stage, this.over, this.tip, this.words, this.legend, this.player] =
      [".stage", ".over", ".tip", ".words", ".legend", ".play"].map(find);
    this.cloud = new Cloud(find(".points"));
    this.pen = this.over.getContext("2d");
    this.hidden = new Set();
    this.selected = new Set();
    this.links = [];
    this.hovered = this.lit = -1;
    this.order = new Uint32Array(0); // the places of the points that are shown, those on top first
    this.pointers = new Map();
    this.pictures = new Map();
    this.moment = 0;
    if (!this.cloud.gl) {
      this.stage.innerHTML = '<p class="trouble">This browser shows no WebGL 2, which the map needs.</p>';
      return;
    }
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this.stage);
  }

  // New data from the page. It may come while older data is on its way: whoever is at work goes on until the newest is shown.
  async update(data, onPick) {
    this.onPick = onPick;
    this.data = data;
    if (!this.cloud.gl) return;
    this.mended = mendedOf(data.mended);
    this.stage.style.height = `${data.height}px`;
    this.over.setAttribute("aria-label", `Map of ${data.count} images. Arrows move it, plus and minus zoom, Enter selects the image at the cross, Escape clears the selection.`);
    if (data.id !== this.loaded) this.ready = false;
    if (this.working) return;
    this.working = true;
    try {
      for (let shown; shown !== this.data;) {
        shown = this.data;
        await this.show(shown);
      }
    } finally {
      this.working = false;
    }
  }

  // What has not changed is left alone, so that the view stays where it is. Nothing is drawn before points and colours are both here.
  async show(data) {
    if (data.id !== this.loaded) {
      this.loaded = this.layered = this.selectedBy = undefined;
      this.pictures.clear();
      this.hidden.clear();
      this.hover(-1);
      if (!(await this.load(data))) return;
      this.loaded = data.id;
    }
    const layer = data.layer.source ?? data.layer.title + data.layer.codes;
    if (layer !== this.layered) {
      if (!(await this.layer(data))) return;
      this.layered = layer;
    }
    this.ready = true;
    if (data.selection.id !== this.selectedBy) {
      this.selectedBy = data.selection.id;
      this.choose(new Int32Array(decode(data.selection.at).buffer), data.selection.links);
    }
    if (this.hovered >= 0) this.describe(this.hovered); // its label may be another now
    this.draw(false);
  }

  async bytes(path) { // bytes from the lab; or nothing, and why is shown
    try {
      const answer = await fetch(address(path));
      if (answer.ok) return await answer.arrayBuffer();
      this.status(`The map could not be loaded (${answer.status}). Reload the page.`);
    } catch {
      this.status("The map could not be loaded: the lab does not answer. Reload the page when it runs again.");
    }
  }

  // True once the points of this data are placed; false where they could not be had, or newer data has come.
  async load(data) {
    let flat;
    if (data.frames) {
      this.frames = new Float32Array(decode(data.frames.coordinates).buffer);
      this.player.hidden = false;
      const slider = this.player.querySelector("input");
      slider.max = data.frames.titles.length - 1;
      slider.setAttribute("aria-label", data.frames.titles.join(", "));
      this.moment = data.frames.travels ? 0 : data.frames.titles.length - 1;
      slider.value = this.moment;
      flat = this.frames.subarray(0, data.count * data.dims);
    } else {
      this.status("Loading the map…");
      const bytes = await this.bytes(data.points);
      if (!bytes || this.data.id !== data.id) return false;
      const n = data.count, start = 4 * n * data.dims;
      flat = new Float32Array(bytes, 0, n * data.dims);
      this.labels = new Int16Array(bytes, start, n);
      this.answers = new Int16Array(bytes, start + 2 * n, n);
      this.confidence = new Uint8Array(bytes, start + 4 * n, n);
    }
    this.positions = new Float32Array(3 * data.count);
    this.pixels = new Float32Array(2 * data.count);
    this.shown = new Uint8Array(data.count).fill(1);
    this.spread(flat);
    this.view = new View(data.dims, data.turn);
    this.scale();
    this.view.fit(data.frames ? this.extent() : this.positions, this.width, this.height);
    if (data.frames) this.at(this.moment);
    else this.cloud.place(this.positions);
    this.mixed = shuffled(data.count);
    this.sight = null;
    this.slow = false; // whether the machine is, for so many points
    this.status("");
    return true;
  }

  spread(flat) {
    const dims = this.data.dims;
    for (let i = 0; i < this.data.count; i++) for (let d = 0; d < dims; d++) this.positions[3 * i + d] = flat[i * dims + d];
  }

  extent() { // every frame at once, so that the view holds all of them; but for the few points that a layout flung far away
    const dims = this.data.dims, count = this.frames.length / dims, out = new Float32Array(count * 3);
    for (let d = 0; d < dims; d++) {
      const sorted = Float32Array.from({ length: count }, (_, i) => this.frames[i * dims + d]).sort();
      const low = sorted[Math.floor(0.002 * (count - 1))], high = sorted[Math.ceil(0.998 * (count - 1))];
      for (let i = 0; i < count; i++) out[3 * i + d] = Math.min(Math.max(this.frames[i * dims + d], low), high);
    }
    return out;
  }

  at(moment) { // positions between two frames
    const last = this.data.frames.titles.length - 1, low = Math.min(Math.floor(moment), last), high = Math.min(low + 1, last);
    const ease = eased(moment - low), width = this.data.count * this.data.dims, dims = this.data.dims;
    for (let i = 0; i < width; i++) {
      const from = this.frames[low * width + i], to = this.frames[high * width + i];
      this.positions[3 * Math.floor(i / dims) + (i % dims)] = from + ease * (to - from);
    }
    this.moment = moment;
    this.cloud.place(this.positions);
    this.player.querySelector("output").textContent = this.data.frames.titles[Math.round(moment)];
    this.middles = null;
  }

  async layer(data) { // true once the colours are here
    const { codes, source } = data.layer;
    const buffer = source ? await this.bytes(source) : decode(codes).buffer;
    if (!buffer || this.data !== data) return false;
    this.codes = new Uint16Array(buffer);
    if (this.layerTitle !== this.data.layer.title) this.hidden.clear();
    this.layerTitle = this.data.layer.title;
    this.middles = null;
    this.writeLegend();
    this.paint();
    return true;
  }

  choose(at, links) {
    const dimmed = this.selected.size > 1;
    this.selected = new Set(at);
    this.links = links;
    if (dimmed || this.selected.size > 1) this.paint();
    else this.draw(false);
  }

  paint() {
    const n = this.data.count, { layer } = this.data, value = layer.kind === "value", few = rareCodes(layer, n), { focus } = this;
    const some = this.selected.size > 1, chosen = new Uint8Array(n);
    if (some) for (const place of this.selected) chosen[place] = 1;
    const kinds = Math.max(layer.palette.length, ...this.hidden, 0) + 1, looks = new Uint8Array(3 * kinds); // red, green and blue of each code
    for (let code = 0; code < kinds; code++) looks.set(layer.palette[code] ? hex(layer.palette[code]) : GREY, 3 * code);
    const hides = Uint8Array.from({ length: kinds }, (_, code) => (!value && this.hidden.has(code) ? 1 : 0));
    const rare = Uint8Array.from({ length: kinds }, (_, code) => (few.has(code) ? 1 : 0));
    const colours = new Uint8Array(4 * n), shapes = new Uint8Array(n);
    const heights = new Uint8Array(n), counts = [0, 0, 0]; // how high each lies: dimmed, lit, rare
    this.shaped = 0;
    for (let i = 0; i < n; i++) {
      const code = this.codes[i], kind = Math.min(code, kinds - 1), at = 4 * i;
      this.shown[i] = hides[kind] ? 0 : 1;
      if (!this.shown[i]) continue;
      const lit = (!some || chosen[i]) && (focus === undefined || focus === code), height = !lit ? 0 : rare[kind] ? 2 : 1;
      colours[at] = looks[3 * kind];
      colours[at + 1] = looks[3 * kind + 1];
      colours[at + 2] = looks[3 * kind + 2];
      colours[at + 3] = height === 0 ? 50 : height === 1 ? 235 : 255;
      shapes[i] = layer.shapes[code] ?? 0;
      if (shapes[i]) this.shaped++;
      heights[i] = height;
      counts[height]++;
    }
    const order = new Uint32Array(counts[0] + counts[1] + counts[2]), next = [counts[2] + counts[1], counts[2], 0];
    for (const i of this.mixed) if (this.shown[i]) order[next[heights[i]]++] = i;
    this.order = order;
    this.sight = null;
    this.cloud.paint(colours, shapes, order);
    this.draw();
  }

  scale() {
    const ratio = window.devicePixelRatio || 1;
    this.width = this.stage.clientWidth || 600;
    this.height = this.stage.clientHeight || 400;
    const size = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    this.cloud.resize(...size);
    [this.over.width, this.over.height] = size;
    this.ratio = ratio;
  }

  resize() {
    if (!this.ready || !this.stage.clientWidth) return;
    this.scale();
    this.view.resize(this.width, this.height);
    this.draw();
  }

  get dot() {
    const { layer } = this.data, count = Math.max(1, this.order.length); // those that are shown
    const least = layer.shapes.some(Boolean) && count <= MANY_SHAPES ? LEAST_SHAPE : 2.6;
    const base = Math.min(9, Math.max(least, 420 / Math.sqrt(count)));
    return Math.min(16, base * this.view.nearness ** 0.35);
  }

  // Where few of many points have another shape than a disc, these are drawn large enough to be told from it.
  get shapedDot() {
    return this.shaped <= MANY_SHAPES ? Math.max(this.dot, Math.min(16, LEAST_SHAPE * this.view.nearness ** 0.35)) : this.dot;
  }

  status(text) {
    this.words.textContent = text;
  }
}
