// One plotly chart that is updated in place: zoom and hidden series stay (layout.uirevision), nothing is built anew.

// The library is fetched once a visit, by whichever chart comes first.
function plotly(source) {
  window.glyphlabPlotly ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = () => done(window.Plotly);
    script.onerror = () => { window.glyphlabPlotly = undefined; failed(new Error("plotly.js could not be fetched")); };
    document.head.append(script);
  });
  return window.glyphlabPlotly;
}

// The page's own colours and letters, light or dark, in place of the template's.
export function dressed(layout, style) {
  const of = (name, otherwise) => style.getPropertyValue(`--st-${name}`).trim() || otherwise;
  const text = of("text-color", "#1f2733"), quiet = of("border-color", "#dde2e9");
  const axis = { gridcolor: quiet, linecolor: quiet, tickcolor: quiet, zerolinecolor: quiet, automargin: true };
  const base = layout.template?.layout ?? {};
  const template = {
    ...layout.template,
    layout: {
      ...base,
      font: { ...base.font, color: text, family: of("font", "sans-serif"), size: 12 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      hoverlabel: { bgcolor: of("secondary-background-color", "#f0f3f7"), bordercolor: quiet, font: { color: text } },
      xaxis: { ...base.xaxis, ...axis, showgrid: false }, yaxis: { ...base.yaxis, ...axis },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: "#8a94a1", activecolor: of("primary-color", "#2f6fd0") },
    },
  };
  // Words that stand on lines get the page's ground behind them.
  const ground = (note) => (note.name === "on lines" ? { ...note, bgcolor: of("background-color", "#ffffff") } : note);
  const annotations = layout.annotations?.map(ground);
  const title = { ...layout.title, font: { ...layout.title?.font, weight: 600 } };
  return { ...layout, title, template, ...(annotations && { annotations }), autosize: true };
}

// A text in lines that fit into `width` pixels; plotly.js would let it run out of the picture. size: of the letters, in pixels.
export function wrapped(text, width, size) {
  const most = Math.max(12, Math.floor(width / (0.52 * size))), lines = [""];
  if (!text || text.includes("<")) return text;
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line && line.length + 1 + word.length > most) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines.join("<br>");
}

const NARROW = 700, BUTTONS = 210, STRIP = 25; // pixels

// How many pixels at the top of a chart are its buttons' alone: where it is narrow there is no room for them beside the title.
function strip(width) {
  return width <= NARROW ? STRIP : 0;
}

// The title, and what stands in place of a plot, in as many lines as a narrow screen needs.
export function fitted(layout, width) {
  const above = strip(width), beside = above ? 0 : BUTTONS;
  const lines = (text) => (text ?? "").split("<br>").length - 1;
  const text = wrapped(layout.title?.text, width - beside, 16), old = layout.title?.subtitle;
  const subtitle = old && { ...old, text: wrapped(old.text, width, 12) };
  return {
    ...layout,
    ...(layout.height && { height: layout.height + above }),
    title: { ...layout.title, text, pad: { ...layout.title?.pad, t: (layout.title?.pad?.t ?? 0) + above }, ...(subtitle && { subtitle }) },
    margin: { ...layout.margin, t: above + (layout.margin?.t ?? 46) + 20 * lines(text) + 15 * lines(subtitle?.text) },
    annotations: layout.annotations?.map((note) => (note.xref === "paper" && note.yref === "paper" ? { ...note, text: wrapped(note.text, width, 14) } : note)),
  };
}

// When a chart is first drawn: at once where it can be seen, else when the browser has nothing better to do.
function turn(place) {
  return new Promise((come) => {
    const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && begin(), { rootMargin: "200px" });
    const begin = () => { watcher.disconnect(); come(); };
    watcher.observe(place);
    (window.requestIdleCallback ?? ((idle) => setTimeout(idle, 500)))(begin, { timeout: 2000 });
  });
}

export default function ({ data, parentElement }) {
  const library = plotly(new URL(data.source, document.baseURI).href);
  if (!data.figure) {
    library.catch(() => {}); // fetched ahead of the first chart, which will say so if it can't be had
    return;
  }
  const place = parentElement.querySelector(".live-chart");
  const high = () => { place.style.height = `${data.height + strip(place.clientWidth)}px`; };
  high();
  place.style.minWidth = `${data.width}px`;
  const { data: traces, layout } = JSON.parse(data.figure);
  const colours = getComputedStyle(place).getPropertyValue("--st-text-color");
  if (place.shown === data.figure + colours) return; // asked often, before there is anything new
  place.latest = data.figure;
  const due = place.shown ? Promise.resolve() : (place.due ??= turn(place));
  Promise.all([library, due]).then(
    ([draws]) => {
      if (place.latest !== data.figure || !place.isConnected) return; // a newer one came while the library was on its way
      high();
      draws.react(place, traces, dressed(fitted(layout, place.clientWidth), getComputedStyle(place)), data.config);
      place.shown = data.figure + colours;
      place.watcher ??= new ResizeObserver(() => draws.Plots.resize(place));
      place.watcher.observe(place);
    },
    (trouble) => { place.textContent = `The chart can't be shown: ${trouble.message}.`; },
  );
  // Not Plotly.purge: a plot that is taken away while the mouse draws a zoom on it would then fail at the next move.
  return () => { if (!place.isConnected) place.watcher?.disconnect(); };
}
