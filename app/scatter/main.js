// The component that Streamlit mounts: one Scatter for each place on the page.

import { contouring } from "./contours.js";
import { detailing } from "./detail.js";
import { listening } from "./listen.js";
import { drawing } from "./overlay.js";
import { Scatter } from "./scatter.js";

Object.assign(Scatter.prototype, detailing, drawing, listening, contouring);

const scatters = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".scatter");
  if (!scatters.has(root)) scatters.set(root, new Scatter(root));
  const scatter = scatters.get(root);
  scatter.update(data, (picked) => setTriggerValue("picked", picked));
  return () => { if (!root.isConnected) { scatter.leave(); scatters.delete(root); } };
}
