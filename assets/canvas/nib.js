// Drawing without a mouse: on the focused pad, arrows move a pen, and the space bar puts it down and lifts it.

const STEP = 24; // pixels of the canvas, which is 960 wide
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// mark: the element that shows where the pen is; begin(point), go(points) and end() draw.
export function drawByKeys(canvas, mark, { begin, go, end }) {
  const size = [canvas.width, canvas.height], at = [size[0] / 2, size[1] / 4];
  let down = false;
  const show = () => {
    [mark.style.left, mark.style.top] = at.map((each, axis) => `${(100 * each) / size[axis]}%`);
    mark.classList.toggle("gl-down", down);
  };
  canvas.addEventListener("keydown", (event) => {
    const way = WAYS[event.key];
    if ((!way && event.key !== " ") || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (way) {
      way.forEach((each, axis) => { at[axis] = Math.min(Math.max(at[axis] + STEP * each, 0), size[axis]); });
      if (down) go([[...at]]);
    } else {
      down = !down;
      if (down) begin([...at]);
      else end();
    }
    show();
  });
  canvas.addEventListener("blur", () => {
    if (!down) return;
    down = false;
    end();
    show();
  });
  show();
}
