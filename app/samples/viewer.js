// One picture in all its pixels: fitted to its place, enlarged in steps, moved by dragging or the arrow keys.

const STEP = 1.5, MOST = 32;

// The next enlargement from `scale` (1: fitted), by a button's name.
export function zoomed(scale, action, exact) {
  if (action === "fit") return 1;
  if (action === "exact") return exact;
  return Math.max(1, Math.min(MOST, scale * (action === "in" ? STEP : 1 / STEP)));
}

// What is said of a picture of wide × high pixels. enlarged: the size that it was enlarged from, or nothing.
export function sizeWords(wide, high, scale, enlarged) {
  const size = enlarged ? `${enlarged} px, stored enlarged to ${wide} × ${high}` : `${wide} × ${high} px`;
  return `${size}, shown at ${Math.round(100 * scale)}%`;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".viewer");
  const stage = root.querySelector(".stage"), picture = root.querySelector("img"), size = root.querySelector("output");
  if (picture.dataset.of !== data.address) {
    picture.dataset.of = data.address;
    picture.src = data.address;
    picture.alt = data.alt;
    root.dataset.scale = 1;
  }
  const draw = () => {
    const fitted = Math.min(stage.clientWidth / picture.naturalWidth, stage.clientHeight / picture.naturalHeight);
    const scale = fitted * Number(root.dataset.scale);
    if (!Number.isFinite(scale)) return;
    picture.style.width = `${picture.naturalWidth * scale}px`;
    picture.style.imageRendering = scale > 1.5 ? "pixelated" : "auto";
    size.textContent = sizeWords(picture.naturalWidth, picture.naturalHeight, scale, data.enlarged);
  };
  const act = (action) => {
    const fitted = Math.min(stage.clientWidth / picture.naturalWidth, stage.clientHeight / picture.naturalHeight);
    const before = Number(root.dataset.scale), after = zoomed(before, action, Math.max(1, 1 / fitted));
    const x = (stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth, y = (stage.scrollTop + stage.clientHeight / 2) / stage.scrollHeight;
    root.dataset.scale = after;
    draw();
    stage.scrollTo(x * stage.scrollWidth - stage.clientWidth / 2, y * stage.scrollHeight - stage.clientHeight / 2);
  };
  picture.onload = draw;
  if (picture.complete) draw();
  root.querySelectorAll("[data-do]").forEach((button) => { button.onclick = () => act(button.dataset.do); });
  stage.onwheel = (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // else the page is scrolled
    event.preventDefault();
    act(event.deltaY < 0 ? "in" : "out");
  };
  stage.onpointerdown = (event) => {
    stage.setPointerCapture(event.pointerId);
    stage.onpointermove = (move) => stage.scrollBy(-move.movementX, -move.movementY);
  };
  stage.onpointerup = stage.onpointercancel = () => { stage.onpointermove = null; };
  stage.onkeydown = (event) => {
    const action = { "+": "in", "=": "in", "-": "out", 0: "fit" }[event.key];
    if (action) { event.preventDefault(); event.stopPropagation(); act(action); }
  };
}
