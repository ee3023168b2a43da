// Lines of equal density: points counted in small squares of the screen, smoothed, and cut by marching squares.

const CELL = 6; // pixels, the side of a square
const SMOOTH = 2; // squares to each side that a square is averaged with, three times over, which is nearly a Gaussian
const LEVELS = [0.03, 0.08, 0.2, 0.4, 0.7]; // shares of the greatest density

// Mean over 2 * SMOOTH + 1 squares along one axis. `along`: from one square to the next, `across`: from one row to the next.
function blurred(from, count, along, rows, across) {
  const out = new Float32Array(from.length), width = 2 * SMOOTH + 1;
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let i = -SMOOTH; i < count; i++) {
      if (i + SMOOTH < count) sum += from[r * across + (i + SMOOTH) * along];
      if (i - SMOOTH - 1 >= 0) sum -= from[r * across + (i - SMOOTH - 1) * along];
      if (i >= 0) out[r * across + i * along] = sum / width;
    }
  }
  return out;
}

// Density in a grid of squares over width x height pixels, of the points that are shown: {grid, wide, high}.
export function densityOf(pixels, shown, width, height) {
  const wide = Math.ceil(width / CELL) + 1, high = Math.ceil(height / CELL) + 1;
  let grid = new Float32Array(wide * high);
  for (let i = 0, j = 0; j < pixels.length; i++, j += 2) {
    const x = Math.round(pixels[j] / CELL), y = Math.round(pixels[j + 1] / CELL);
    if (shown[i] && x >= 0 && x < wide && y >= 0 && y < high) grid[y * wide + x] += 1;
  }
  for (let turn = 0; turn < 3; turn++) {
    grid = blurred(grid, wide, 1, high, wide);
    grid = blurred(grid, high, wide, wide, 1);
  }
  return { grid, wide, high };
}

// Pieces of lines [x, y, x, y], in pixels, where the density passes a level.
export function contoursOf({ grid, wide, high }, level) {
  const pieces = [], cut = (a, b) => (level - a) / (b - a);
  for (let y = 0; y < high - 1; y++) {
    for (let x = 0; x < wide - 1; x++) {
      const at = y * wide + x;
      const nw = grid[at], ne = grid[at + 1], sw = grid[at + wide], se = grid[at + wide + 1];
      const ends = [];
      if (nw > level !== ne > level) ends.push(x + cut(nw, ne), y);
      if (ne > level !== se > level) ends.push(x + 1, y + cut(ne, se));
      if (sw > level !== se > level) ends.push(x + cut(sw, se), y + 1);
      if (nw > level !== sw > level) ends.push(x, y + cut(nw, sw));
      for (let i = 0; i + 3 < ends.length; i += 4) pieces.push(ends.slice(i, i + 4).map((value) => value * CELL));
    }
  }
  return pieces;
}

// Methods of Scatter, see main.js.
export const contouring = {
  contours(on) {
    this.contoured = on;
    this.lines = null;
    this.root.querySelector('[data-do="contours"]').setAttribute("aria-pressed", String(on));
  },

  drawContours(ink) {
    if (!this.contoured) return;
    if (!this.lines) {
      const density = densityOf(this.spots(), this.shown, this.width, this.height);
      const most = density.grid.reduce((a, b) => Math.max(a, b), 0);
      this.lines = most ? LEVELS.map((share) => contoursOf(density, share * most)) : [];
    }
    const { pen } = this;
    pen.strokeStyle = ink;
    pen.lineWidth = 1.2;
    this.lines.forEach((pieces, level) => {
      pen.globalAlpha = 0.25 + 0.12 * level;
      pen.beginPath();
      for (const [ax, ay, bx, by] of pieces) {
        pen.moveTo(ax, ay);
        pen.lineTo(bx, by);
      }
      pen.stroke();
    });
    pen.globalAlpha = 1;
  },
};
