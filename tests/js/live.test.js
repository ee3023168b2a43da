// Live charts wear the page's colours.

import assert from "node:assert/strict";
import { test } from "node:test";

import { dressed } from "../../assets/live.js";

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

test("a page without colours of its own gets readable ones", () => {
  assert.equal(dressed({}, style({})).template.layout.font.color, "#1f2733");
});
