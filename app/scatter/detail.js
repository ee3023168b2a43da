// How much of the cloud is drawn when. Of many points those that lie on top are drawn while the map moves, and the others
// beneath them when it rests, a slice a frame: whoever moves or picks meanwhile waits for no more than one slice.

const SLICE = 60_000; // points that a software renderer draws in a frame (SwiftShader on two cores: 40 ms); fewer are drawn at once
const LEAST = 20_000, FEWEST = 8_000; // the first beneath others, at rest; the second alone, while the map moves
// From one frame to the next: after quick ones slices grow a little, after one that is late for 30 a second they shrink. Screens that show
// 30 a second at most, as some do on battery, are not late.
const QUICK_MS = 25, LATE_MS = 34, GROWN = 1.15, SHRUNK = 1 / 1.3;
const REST_MS = 160; // after the last movement, all are drawn

// The points of `order` (n,) that lie in a box {x, y, wide, high}, its middle and half its sides, in their order: Uint32Array.
export function pointsWithin(positions, order, turn, middle, box) {
  const found = new Uint32Array(order.length), [a, b, , c, d] = turn;
  let count = 0;
  for (let k = 0; k < order.length; k++) {
    const at = 3 * order[k], x = positions[at] - middle[0], y = positions[at + 1] - middle[1];
    if (Math.abs(a * x + c * y - box.x) <= box.wide && Math.abs(b * x + d * y - box.y) <= box.high) found[count++] = order[k];
  }
  return found.slice(0, count);
}

// Methods of Scatter, see main.js.
export const detailing = {
  // Draws with the next frame; cloud = false where only what lies over it has changed, such as the point under the cursor.
  draw(cloud = true) {
    if (cloud) {
      this.drawn = 0;
      this.projected = false;
      this.lines = null; // of equal density
    }
    if (this.waiting || !this.ready) return;
    this.waiting = requestAnimationFrame((now) => {
      this.waiting = 0;
      if (!this.ready) return;
      this.drawSlice(now);
      this.overlay();
      if (!this.restless && this.drawn < this.drawing) this.draw(false);
    });
  },

  // The next slice of the points that are due, those on top first.
  drawSlice(now) {
    const { view, ratio } = this, few = this.inSight();
    this.drawing = few ? few.length : this.order.length;
    if (this.drawn && (this.restless || this.drawn >= this.drawing)) return;
    const look = { turn: view.turn, middle: view.middle, centre: view.centre, zoom: view.zoom * ratio, size: this.dot * ratio, shaped: this.shapedDot * ratio };
    const slice = this.slice ?? SLICE, from = this.drawn; // those beneath come in smaller ones: what is seen is there already
    const to = Math.min(this.drawing, from + (from ? Math.max(LEAST, Math.round(slice / 3)) : slice));
    this.cloud.draw(look, from, to, Boolean(few));
    this.drawn = Math.max(to, 1); // also where there is nothing to draw
    requestAnimationFrame((next) => this.pace(next - now)); // timed to the next frame, and not to the next movement
  },

  // A graphics card soon draws all points in every frame; a busy machine draws fewer. passed: milliseconds from a frame to the next
  pace(passed) {
    if (passed < QUICK_MS) this.slice = Math.min(this.data.count, (this.slice ?? SLICE) * GROWN);
    if (passed > LATE_MS) this.slice = Math.max(FEWEST, (this.slice ?? SLICE) * SHRUNK);
    if (this.slice) this.slice = Math.round(this.slice);
    if (this.slice < this.data.count / 2) this.slow = true;
  },

  // Of many points, those round what is in sight, if they are not most of them: Uint32Array, or nothing for all.
  inSight() {
    const { view, data } = this;
    if (data.count <= SLICE || data.dims !== 2 || data.frames) return null;
    const wide = this.width / view.zoom / 2, high = this.height / view.zoom / 2, [x, y] = view.centre, old = this.sight;
    const within = old && Math.abs(x - old.x) + wide <= old.wide && Math.abs(y - old.y) + high <= old.high;
    if (within && wide * 4 > old.wide) return old.few;
    const box = { x, y, wide: 2 * wide, high: 2 * high }; // half a screen to each side, so that it lasts for a while
    const found = view.nearness > 1.5 ? pointsWithin(this.positions, this.order, view.turn, view.middle, box) : null;
    box.few = found && found.length < 0.7 * this.order.length ? found : null;
    if (box.few) this.cloud.pickOut(box.few);
    this.sight = box;
    return box.few;
  },

  // Draws while the map moves. Of many points, or of some on a slow machine, not all are drawn, and nobody asks where each lies; at rest
  // everything is exact again.
  glide() {
    if (this.data.count > SLICE || this.slow) {
      this.restless = true;
      clearTimeout(this.resting);
      this.resting = setTimeout(() => this.rest(), REST_MS);
    }
    this.draw();
  },

  rest() {
    if (!this.restless) return;
    clearTimeout(this.resting);
    this.restless = false;
    this.draw(); // what is picked next is picked by where the points are now
  },

  // The pixel of every point as the map lies now: Float32Array (2N).
  spots() {
    if (!this.projected) this.view.project(this.positions, this.pixels);
    this.projected = true;
    return this.pixels;
  },
};
