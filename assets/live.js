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
  const title = { ...layout.title, font: { ...layout.title?.font, weight: 600 } };
  return { ...layout, title, template, autosize: true };
}

export default function ({ data, parentElement }) {
  const library = plotly(new URL(data.source, document.baseURI).href);
  if (!data.figure) {
    library.catch(() => {}); // fetched ahead of the first chart, which will say so if it can't be had
    return;
  }
  const place = parentElement.querySelector(".live-chart");
  place.style.height = `${data.height}px`;
  place.style.minWidth = `${data.width}px`;
  const { data: traces, layout } = JSON.parse(data.figure);
  const colours = getComputedStyle(place).getPropertyValue("--st-text-color");
  if (place.shown === data.figure + colours) return; // asked often, before there is anything new
  place.latest = data.figure;
  library.then(
    (draws) => {
      if (place.latest !== data.figure || !place.isConnected) return; // a newer one came while the library was on its way
      draws.react(place, traces, dressed(layout, getComputedStyle(place)), data.config);
      place.shown = data.figure + colours;
      place.watcher ??= new ResizeObserver(() => draws.Plots.resize(place));
      place.watcher.observe(place);
    },
    (trouble) => { place.textContent = `The chart can't be shown: ${trouble.message}.`; },
  );
  // Not Plotly.purge: a plot that is taken away while the mouse draws a zoom on it would then fail at the next move.
  return () => { if (!place.isConnected) place.watcher?.disconnect(); };
}
