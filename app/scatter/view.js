// Where one looks: a turn (three dimensions only), a centre and a zoom; and which point lies under the cursor.

export class View {
  // turn: rows of a (dims, dims) rotation that a row of coordinates is multiplied by, or nothing
  constructor(dims, turn) {
    this.dims = dims;
    this.turn = new Float32Array([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    if (turn) for (let r = 0; r < dims; r++) for (let c = 0; c < dims; c++) this.turn[3 * r + c] = turn[dims * r + c];
    if (dims === 3) this.rotate(0.5, 0.35);
    this.middle = new Float32Array(3);
    this.centre = new Float32Array(2);
    this.zoom = 1;
    this.home = 1;
    this.spans = [1, 1]; // of all points, across and down
  }

  // positions: Float32Array (3N). All points fit into width x height pixels.
  fit(positions, width, height) {
    const range = (values, step) => {
      const low = Array.from({ length: step }).fill(Infinity), high = Array.from({ length: step }).fill(-Infinity);
      for (let i = 0; i < values.length; i++) {
        const axis = i % step;
        if (values[i] < low[axis]) low[axis] = values[i];
        if (values[i] > high[axis]) high[axis] = values[i];
      }
      return low.map((least, axis) => [(least + high[axis]) / 2, Math.max(high[axis] - least, 1e-6)]);
    };
    const solid = range(positions, 3);
    solid.forEach(([middle], axis) => (this.middle[axis] = middle));
    [this.zoom, this.width, this.height] = [1, 0, 0];
    this.centre.fill(0);
    if (this.dims === 3) {
      const across = Math.hypot(...solid.map(([, span]) => span)); // fits however it is turned
      this.spans = [across, across];
    } else {
      const [[x, across], [y, down]] = range(this.project(positions, new Float32Array((positions.length / 3) * 2)), 2);
      this.centre.set([x, -y]);
      this.spans = [across, down];
    }
    this.resize(width, height);
    this.zoom = this.home;
  }

  // What filled the window still fills it, also after a narrow one has been made wide again.
  resize(width, height) {
    const home = 0.92 * Math.min(width / this.spans[0], height / this.spans[1]);
    if (Number.isFinite(home) && home > 0) {
      this.zoom *= home / this.home;
      this.home = home;
    }
    this.width = width;
    this.height = height;
  }

  rotate(right, down) {
    const [cy, sy, cx, sx] = [Math.cos(right), Math.sin(right), Math.cos(down), Math.sin(down)];
    const step = [cy, sx * sy, -cx * sy, 0, cx, sx, sy, -sx * cy, cx * cy]; // by columns: about y, then about x
    const old = this.turn, out = new Float32Array(9);
    for (let c = 0; c < 3; c++) for (let r = 0; r < 3; r++) {
      out[c * 3 + r] = step[r] * old[c * 3] + step[3 + r] * old[c * 3 + 1] + step[6 + r] * old[c * 3 + 2];
    }
    this.turn = out;
  }

  pan(right, down) {
    this.centre[0] -= right / this.zoom;
    this.centre[1] += down / this.zoom;
  }

  // Zoom by a factor about the pixel (x, y), which stays where it is.
  zoomAt(factor, x, y) {
    const next = Math.min(Math.max(this.zoom * factor, this.home * 0.5), this.home * 400);
    const dx = x - this.width / 2, dy = this.height / 2 - y;
    this.centre[0] += dx / this.zoom - dx / next;
    this.centre[1] += dy / this.zoom - dy / next;
    this.zoom = next;
  }

  get nearness() {
    return this.zoom / this.home;
  }

  // The pixel of every point: Float32Array (2N).
  project(positions, out) {
    const t = this.turn, [mx, my, mz] = this.middle, [cx, cy] = this.centre, zoom = this.zoom;
    const left = this.width / 2, top = this.height / 2;
    for (let i = 0, j = 0; i < positions.length; i += 3, j += 2) {
      const x = positions[i] - mx, y = positions[i + 1] - my, z = positions[i + 2] - mz;
      out[j] = left + (t[0] * x + t[3] * y + t[6] * z - cx) * zoom;
      out[j + 1] = top - (t[1] * x + t[4] * y + t[7] * z - cy) * zoom;
    }
    return out;
  }
}

// The point nearest to (x, y) within reach, among those that are shown; -1 if there is none.
export function pointAt(pixels, shown, x, y, reach) {
  let best = -1, least = reach * reach;
  for (let i = 0, j = 0; j < pixels.length; i++, j += 2) {
    const dx = pixels[j] - x, dy = pixels[j + 1] - y, far = dx * dx + dy * dy;
    if (far < least && shown[i]) { least = far; best = i; }
  }
  return best;
}

// Places of the shown points inside a polygon [[x, y], …].
export function pointsInside(pixels, shown, polygon) {
  const xs = polygon.map((p) => p[0]), ys = polygon.map((p) => p[1]);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const found = [];
  for (let i = 0, j = 0; j < pixels.length; i++, j += 2) {
    const x = pixels[j], y = pixels[j + 1];
    if (!shown[i] || x < left || x > right || y < top || y > bottom) continue;
    let inside = false;
    for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
      if ((ys[a] > y) !== (ys[b] > y) && x < ((xs[b] - xs[a]) * (y - ys[a])) / (ys[b] - ys[a]) + xs[a]) inside = !inside;
    }
    if (inside) found.push(i);
  }
  return found;
}
