// A grid of thumbnails. Each is a link to its image's own page: a plain click lets the dashboard go there without a reload.

function figure(item) {
  const box = document.createElement("figure");
  const picture = document.createElement("img");
  picture.src = item.src;
  picture.alt = item.alt;
  picture.loading = "lazy";
  if (item.href) {
    const link = document.createElement("a");
    link.href = item.href;
    link.title = item.name;
    link.append(picture);
    box.append(link);
  } else box.append(picture);
  if (item.caption) {
    const words = document.createElement("figcaption");
    words.textContent = item.caption;
    box.append(words);
  }
  return box;
}

// The index of the thumbnail that an arrow key leads to; -1 for other keys.
export function nextPlace(key, at, count, columns) {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  return step === undefined ? -1 : Math.max(0, Math.min(count - 1, at + step));
}

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".glyphs");
  grid.style.gridTemplateColumns = `repeat(auto-fill, minmax(max(${data.least}px, calc(100% / ${data.columns} - 8px)), 1fr))`;
  grid.style.imageRendering = data.pixelated ? "pixelated" : "auto";
  const text = JSON.stringify(data.items);
  if (grid.dataset.shown !== text) {
    grid.dataset.shown = text;
    grid.replaceChildren(...data.items.map(figure));
  }
  grid.onclick = (event) => {
    const link = event.target.closest("a");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    setTriggerValue("picked", link.title);
  };
  grid.onkeydown = (event) => {
    const links = [...grid.querySelectorAll("a")];
    const at = links.indexOf(event.target.closest("a"));
    const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    const to = at < 0 ? -1 : nextPlace(event.key, at, links.length, columns);
    if (to < 0) return;
    event.preventDefault();
    event.stopPropagation();
    links[to].focus();
  };
}
