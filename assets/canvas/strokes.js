// What was drawn, kept as vectors: [{erase, width, points: [[x, y], …]}, …], with the strokes that were taken back.

export class Strokes {
  constructor() {
    this.drawn = [];
    this.undone = [];
  }

  get empty() {
    return !this.drawn.length;
  }

  add(stroke) {
    this.drawn.push(stroke);
    this.undone = [];
  }

  // Each of these is true where it changed something.
  undo() {
    if (this.empty) return false;
    this.undone.push(this.drawn.pop());
    return true;
  }

  redo() {
    if (!this.undone.length) return false;
    this.drawn.push(this.undone.pop());
    return true;
  }

  clear() { // may be taken back stroke by stroke
    if (this.empty) return false;
    this.undone = this.drawn.reverse();
    this.drawn = [];
    return true;
  }

  forget(count) { // the first ones, for good
    this.drawn.splice(0, count);
    this.undone = [];
  }
}

// Draw a stroke from its point number `from` on: curves through the middles of neighbouring points.
export function dab(context, stroke, from) {
  const points = stroke.points;
  context.globalCompositeOperation = stroke.erase ? "destination-out" : "source-over";
  context.strokeStyle = context.fillStyle = "#000";
  context.lineWidth = stroke.width; context.lineCap = context.lineJoin = "round";
  context.beginPath();
  if (points.length === 1) { context.arc(points[0][0], points[0][1], stroke.width / 2, 0, 7); context.fill(); return; }
  const middle = (i) => [(points[i - 1][0] + points[i][0]) / 2, (points[i - 1][1] + points[i][1]) / 2];
  const start = Math.max(from, 1);
  context.moveTo(...(start === 1 ? points[0] : middle(start - 1)));
  for (let i = start; i < points.length; i++) context.quadraticCurveTo(...points[i - 1], ...middle(i));
  context.lineTo(...points[points.length - 1]);
  context.stroke();
}
