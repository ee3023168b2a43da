// Mouse, touch and keys; and the words between this scatter, the page and the other scatters of its group.

import { sureness } from "./numbers.js";
import { address } from "./scatter.js";
import { pointAt, pointsInside } from "./view.js";

const REACH = 14; // pixels round the cursor in which a point is found

// Methods of Scatter, see main.js.
export const listening = {
  listen() {
    const { over } = this;
    over.addEventListener("pointerdown", (event) => this.press(event));
    over.addEventListener("pointermove", (event) => this.move(event));
    over.addEventListener("pointerup", (event) => this.release(event));
    over.addEventListener("pointercancel", (event) => this.release(event, true));
    over.addEventListener("pointerleave", () => this.hover(-1));
    over.addEventListener("dblclick", () => this.act("home"));
    over.addEventListener("keydown", (event) => this.key(event));
    over.addEventListener("wheel", (event) => {
      if (!this.ready) return;
      event.preventDefault();
      this.hover(-1);
      this.view.zoomAt(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), event.offsetX, event.offsetY);
      this.glide();
    }, { passive: false });
    this.root.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", () => this.act(button.dataset.do)));
    this.player.querySelector("input").addEventListener("input", (event) => {
      this.stop();
      this.at(Number(event.target.value));
      this.draw();
    });
    this.listener = (event) => this.lightWith(event.detail);
    window.addEventListener("glyphlab-scatter", this.listener);
  },

  act(what) {
    if (!this.ready) return;
    if (what === "lasso") this.lassoing(!this.lassoMode);
    if (what === "contours") this.contours(!this.contoured);
    if (what === "in" || what === "out") this.view.zoomAt(what === "in" ? 1.6 : 1 / 1.6, this.width / 2, this.height / 2);
    if (what === "home") this.view.fit(this.data.frames ? this.extent() : this.positions, this.width, this.height);
    if (what === "clear") this.pick("none", []);
    if (what === "play" && this.playing) this.stop();
    else if (what === "play") this.play();
    this.draw();
  },

  lassoing(on) {
    this.lassoMode = on;
    this.stage.classList.toggle("lasso", on);
    this.root.querySelector('[data-do="lasso"]').setAttribute("aria-pressed", String(on));
  },

  key(event) {
    const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    const act = { "+": "in", "=": "in", "-": "out", 0: "home", l: "lasso", L: "lasso", c: "contours", C: "contours", Escape: "clear" }[event.key];
    const chosen = event.key === "Enter";
    if (!this.ready || (!step && !act && !chosen) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (step) this.view.pan(...step);
    if (act) this.act(act);
    this.projected = false;
    const middle = [this.width / 2, this.height / 2], aimed = pointAt(this.spots(), this.shown, ...middle, chosen ? Infinity : REACH);
    if (step || act === "in" || act === "out") this.hover(aimed, middle);
    if (chosen && aimed >= 0) this.pick("point", [aimed]);
    this.glide();
  },

  press(event) {
    if (!this.ready) return;
    this.rest();
    this.over.setPointerCapture(event.pointerId);
    this.over.focus({ preventScroll: true });
    const at = [event.offsetX, event.offsetY];
    this.pointers.set(event.pointerId, at);
    this.start = at;
    this.moved = false;
    this.polygon = (this.lassoMode || event.shiftKey) && this.pointers.size === 1 ? [at] : null;
  },

  move(event) {
    if (!this.ready) return;
    const at = [event.offsetX, event.offsetY], old = this.pointers.get(event.pointerId);
    if (!old) {
      if (this.restless) return;
      const place = pointAt(this.spots(), this.shown, ...at, REACH);
      this.hover(place, at);
      return;
    }
    if (Math.hypot(at[0] - this.start[0], at[1] - this.start[1]) > 4) this.moved = true;
    if (!this.moved) return;
    this.hover(-1);
    if (this.polygon) {
      const last = this.polygon.at(-1);
      if (Math.hypot(at[0] - last[0], at[1] - last[1]) > 3) this.polygon.push(at);
      this.pointers.set(event.pointerId, at);
      this.draw(false);
      return;
    }
    if (this.pointers.size === 2) {
      const [a, b] = this.pointers.values(), other = a === old ? b : a;
      const before = Math.hypot(old[0] - other[0], old[1] - other[1]), now = Math.hypot(at[0] - other[0], at[1] - other[1]);
      if (before > 5) this.view.zoomAt(now / before, (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
      this.view.pan((at[0] - old[0]) / 2, (at[1] - old[1]) / 2);
    } else {
      this.stage.classList.add("drags");
      if (this.data.dims === 3 && event.buttons !== 2) this.view.rotate((at[0] - old[0]) * 0.008, (at[1] - old[1]) * 0.008);
      else this.view.pan(at[0] - old[0], at[1] - old[1]);
    }
    this.pointers.set(event.pointerId, at);
    this.glide();
  },

  release(event, cancelled = false) {
    if (!this.pointers.delete(event.pointerId) || !this.ready) return;
    this.rest();
    this.stage.classList.remove("drags");
    const { polygon } = this;
    this.polygon = null;
    if (!cancelled && polygon && polygon.length > 2) {
      this.lassoing(false);
      const found = pointsInside(this.spots(), this.shown, polygon);
      this.pick(found.length ? "lasso" : "none", found);
    } else if (!cancelled && !this.moved && event.button === 0) {
      const place = pointAt(this.spots(), this.shown, event.offsetX, event.offsetY, REACH);
      if (place >= 0) this.pick("point", [place]);
      else if (this.selected.size) this.pick("none", []);
    }
    this.draw(false);
  },

  // A choice made here: lit at once, sent to the page and to the other scatters.
  pick(kind, places) {
    const id = `${kind}-${Date.now()}`;
    this.choose(places, []);
    this.shout({ kind: "pick", at: places });
    this.onPick?.({ kind, at: places, id });
  },

  shout(detail) {
    if (this.data.group) window.dispatchEvent(new CustomEvent("glyphlab-scatter", { detail: { ...detail, from: this, group: this.data.group } }));
  },

  lightWith({ from, group, kind, at }) {
    if (from === this || group !== this.data?.group || !this.ready) return;
    if (kind === "pick") this.choose(at, []);
    if (kind === "hover" && this.lit !== at) { this.lit = at; this.draw(false); }
  },

  hover(place, at) {
    if (place !== this.hovered) {
      this.hovered = place;
      this.shout({ kind: "hover", at: place });
      this.tip.style.display = place < 0 ? "none" : "flex";
      if (place >= 0) this.describe(place);
      this.draw(false);
    }
    if (place >= 0) {
      const right = at[0] > this.width - 250, low = at[1] > this.height - 130;
      this.tip.style.left = right ? "auto" : `${at[0] + 16}px`;
      this.tip.style.right = right ? `${this.width - at[0] + 16}px` : "auto";
      this.tip.style.top = low ? "auto" : `${at[1] + 14}px`;
      this.tip.style.bottom = low ? `${this.height - at[1] + 14}px` : "auto";
    }
  },

  describe(place) {
    const { data, tip } = this, rows = document.createElement("div");
    const line = (text, name) => rows.append(Object.assign(document.createElement("div"), { textContent: text, className: name ?? "" }));
    if (this.labels) {
      const given = data.classes[this.labels[place]], answer = data.answers[this.answers[place]];
      const [said, label] = this.mended.get(place) ?? [given ?? "no label", given];
      rows.append(Object.assign(document.createElement("b"), { textContent: said }));
      line(`predicted ${answer}, ${sureness(this.confidence[place] / 255)}`, answer === label || !label ? "" : "bad");
      if (!data.shown.includes(data.layer.title)) line(this.valueOf(place));
    } else {
      rows.append(Object.assign(document.createElement("b"), { textContent: this.valueOf(place) }));
    }
    tip.classList.toggle("smooth", !data.pixelated);
    tip.replaceChildren(rows);
    if (data.image) tip.prepend(Object.assign(new Image(), { alt: "", src: address(`${data.image}/${place}`) }));
  },

  valueOf(place) {
    const { layer } = this.data;
    if (layer.kind === "class") return layer.moves ? layer.names[this.codes[place]] : `${layer.title}: ${layer.names[this.codes[place]]}`;
    return `${layer.title}: ${(layer.least + ((layer.most - layer.least) * this.codes[place]) / 255).toFixed(2)}`;
  },

  play() {
    const last = this.data.frames.titles.length - 1, slider = this.player.querySelector("input");
    let moment = this.moment >= last ? 0 : this.moment, before = performance.now();
    const step = (now) => {
      moment = Math.min(last, moment + (now - before) / 900);
      before = now;
      slider.value = moment;
      this.at(moment);
      this.draw();
      this.playing = moment < last ? requestAnimationFrame(step) : 0;
    };
    this.playing = requestAnimationFrame(step);
  },

  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
  },

  leave() {
    window.removeEventListener("glyphlab-scatter", this.listener);
    this.stop();
    clearTimeout(this.resting);
    this.cloud.free();
  },
};
