// Live charts wear the page's colours.

import assert from "node:assert/strict";
import { test } from "node:test";

import { dressed, fitted, wrapped } from "../../assets/live.js";

const style = (values) => ({ getPropertyValue: (name) => values[name] ?? "" });

test("a chart takes letters and lines from the page, and keeps what it says itself", () => {
  const given = { title: { text: "Loss" }, template: { layout: { colorway: ["#123456"], xaxis: { ticks: "outside" } } } };
  const layout = dressed(given, style({ "--st-text-color": " #eeeeee ", "--st-border-color": "#333333" }));
  const { layout: template } = layout.template;
  assert.equal(template.font.color, "#eeeeee");
  assert.equal(template.yaxis.gridcolor, "#333333");
  assert.deepEqual(template.colorway, ["#123456"]);
  assert.equal(template.xaxis.ticks, "outside");
  assert.deepEqual([layout.title.text, layout.autosize], ["Loss", true]);
  assert.deepEqual(given.template.layout.xaxis, { ticks: "outside" });
});

test("words that stand on lines have the page's ground behind them, others none", () => {
  const given = { annotations: [{ name: "on lines", text: "8" }, { text: "lr" }] };
  const found = dressed(given, style({ "--st-background-color": "#14181f" })).annotations;
  assert.deepEqual(found.map((note) => note.bgcolor), ["#14181f", undefined]);
  assert.equal("annotations" in dressed({}, style({})), false);
});

test("a page without colours of its own gets readable ones", () => {
  assert.equal(dressed({}, style({})).template.layout.font.color, "#1f2733");
});

test("a title leaves room for the buttons that stand beside it, and has all of a narrow chart, above which they stand", () => {
  const text = "Accuracy of both recipes on the same images, first and second"; // 61 letters, of 8.3 pixels each
  assert.ok(fitted({ title: { text } }, 710).title.text.includes("<br>"));
  const narrow = fitted({ title: { text, pad: { t: 8, l: 2 } }, height: 300 }, 690);
  assert.deepEqual([narrow.title.text, narrow.title.pad, narrow.height], [text, { t: 33, l: 2 }, 325]);
  assert.equal(fitted({ title: { text }, height: 300 }, 710).height, 300);
});

test("a title and a message that are wider than the chart go on in another line", () => {
  const text = "The first point is drawn after the first steps of training";
  assert.equal(wrapped(text, 1000, 14), text);
  assert.equal(wrapped(text, 300, 14), "The first point is drawn after the first<br>steps of training");
  const note = { text, xref: "paper", yref: "paper" }, given = { title: { text }, margin: { t: 46, l: 8 }, annotations: [note, { text, x: 3 }] };
  const layout = fitted(given, 300);
  assert.deepEqual(layout.margin, { t: 66 + 25, l: 8 }); // 25: for the buttons
  assert.deepEqual(layout.annotations.map((each) => each.text.includes("<br>")), [true, false]);
});
