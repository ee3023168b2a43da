// The answer: the headline, and a bar for each character that it may be.

import { make, percent } from "./elements.js";

export const NOTHING = { kind: "blank", headline: "Nothing drawn yet", note: "The answer follows your pen.", rows: [] };
export const LOADING = { kind: "blank", headline: "Reading …", note: "The model is being loaded.", rows: [] };
const SILENT = { kind: "blank", headline: "The lab does not answer", note: "Is it still running? Draw again to try once more, or reload the page.", rows: [] };

// `part(role)` finds an element of the pad; answer: null for nothing drawn, undefined for none from the lab.
export function showAnswer(part, answer) {
  if (answer === undefined) answer = SILENT;
  if (answer === null) answer = NOTHING;
  const glyph = part("glyph");
  glyph.textContent = answer.glyph || "";
  glyph.classList.toggle("gl-long", (answer.glyph || "").length > 2);
  glyph.classList.toggle("gl-guess", answer.kind !== "sure" && answer.kind !== "taught");
  part("headline").textContent = answer.headline;
  part("note").textContent = answer.note || "";
  part("seen").parentElement.classList.toggle("gl-there", Boolean(answer.seen));
  if (answer.seen) part("seen").src = answer.seen;
  const rows = part("rows");
  while (rows.children.length > answer.rows.length) rows.lastChild.remove();
  answer.rows.forEach((row, i) => showRow(rows, row, i, answer.kind === "unlike"));
  return answer;
}

// guess: what is drawn is like none of the classes, and then a share of them is no probability of being right.
function showRow(rows, row, i, guess) {
  let item = rows.children[i];
  if (!item) {
    item = make("li");
    item.append(make("span", "gl-label"), make("span", "gl-track"), make("span", "gl-percent"));
    rows.append(item);
  }
  const [label, track, share] = item.children;
  item.className = i === 0 ? "gl-top" : "";
  label.replaceChildren(row.members[0].label, make("span", "", row.members.slice(1).map((one) => ` ${one.label}`).join("")));
  label.title = row.text ? `similarity ${row.text}` : sharesOf(row);
  while (track.children.length > row.members.length) track.lastChild.remove();
  row.members.forEach((one, j) => {
    if (!track.children[j]) track.append(make("span", "gl-fill"));
    track.children[j].style.width = `${100 * one.share}%`;
  });
  share.textContent = guess ? "" : row.text || percent(row.share); // a taught symbol's bar is a similarity, not a probability
}

// The share of each character of a bar, which is their sum; what is left of it are look-alikes too unlikely to be named.
export function sharesOf(row) {
  const shares = row.members.map((one) => `${one.label} ${percent(one.share)}`);
  const rest = row.share - row.members.reduce((sum, one) => sum + one.share, 0);
  return [...shares, ...(rest > 1e-4 ? [`look-alikes ${percent(rest)}`] : [])].join(", ");
}
