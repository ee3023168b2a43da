// Thumbnails are walked through by arrow keys; a picture is zoomed in steps and to its own pixels.

import assert from "node:assert/strict";
import { test } from "node:test";

import { nextPlace } from "../../app/samples/thumbs.js";
import { sizeWords, zoomed } from "../../app/samples/viewer.js";

test("arrow keys go one to the side or a row up and down, and stay in the grid", () => {
  assert.equal(nextPlace("ArrowRight", 2, 10, 4), 3);
  assert.equal(nextPlace("ArrowDown", 2, 10, 4), 6);
  assert.equal(nextPlace("ArrowUp", 2, 10, 4), 0);
  assert.equal(nextPlace("ArrowDown", 8, 10, 4), 9);
  assert.equal(nextPlace("Enter", 8, 10, 4), -1);
});

test("a picture is never smaller than its place and goes to its own pixels", () => {
  assert.equal(zoomed(1, "out", 4), 1);
  assert.equal(zoomed(2, "in", 4), 3);
  assert.equal(zoomed(2, "exact", 4), 4);
  assert.equal(zoomed(9, "fit", 4), 1);
  assert.ok(zoomed(30, "in", 4) <= 32);
});

test("a picture says its size, and what it was enlarged from", () => {
  assert.equal(sizeWords(28, 28, 12.14, "8 × 8"), "8 × 8 px, stored enlarged to 28 × 28, shown at 1214%");
  assert.equal(sizeWords(640, 480, 0.5, ""), "640 × 480 px, shown at 50%");
});
