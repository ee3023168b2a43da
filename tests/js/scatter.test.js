// The map without a page: where points fall on the screen, which are picked, in what order they are drawn.

import assert from "node:assert/strict";
import { test } from "node:test";

import { contoursOf, densityOf } from "../../app/scatter/contours.js";
import { Scatter } from "../../app/scatter/scatter.js";
import { decode, eased, hex, mendedOf, rareCodes, shuffled, sureness } from "../../app/scatter/numbers.js";
import { drawing, nameAt } from "../../app/scatter/overlay.js";
import { detailing } from "../../app/scatter/detail.js";
import { listening } from "../../app/scatter/listen.js";
import { View, pointAt, pointsInside } from "../../app/scatter/view.js";

const near = (got, wanted, within = 1e-3) =>
  wanted.forEach((value, i) => assert.ok(Math.abs(got[i] - value) <= within, `${[...got]} is not ${wanted}`));
const SQUARE = Float32Array.from([-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0]);
const pixels = (view, positions = SQUARE) => view.project(positions, new Float32Array((2 * positions.length) / 3));

function fitted(width = 400, height = 300, dims = 2, positions = SQUARE) {
  const view = new View(dims);
  view.fit(positions, width, height);
  return view;
}

test("a fitted view holds all points, the first axis to the right and the second up", () => {
  const at = pixels(fitted());
  near(at, [62, 288, 338, 288, 338, 12, 62, 12]);
});

test("zooming keeps the point under the cursor where it is", () => {
  const view = fitted(), before = pixels(view).slice(4, 6);
  view.zoomAt(3, ...before);
  const after = pixels(view);
  near(after.slice(4, 6), before);
  assert.ok(after[2] - after[0] > 3 * 275);
});

test("zooming ends at half and at 400 times the whole map", () => {
  const view = fitted();
  view.zoomAt(1e9, 0, 0);
  assert.equal(Math.round(view.nearness), 400);
  view.zoomAt(1e-9, 0, 0);
  assert.equal(view.nearness, 0.5);
});

test("panning moves every point by the same pixels", () => {
  const view = fitted(), before = pixels(view);
  view.pan(30, -20);
  near(pixels(view), [...before].map((value, i) => value + (i % 2 ? -20 : 30)));
});

test("after a narrow window a wide one is filled again, and one that looked closer still does", () => {
  for (const dims of [2, 3]) {
    const view = fitted(1000, 600, dims);
    const closer = fitted(1000, 600, dims);
    const before = [...pixels(view)];
    closer.zoomAt(3, 500, 300);
    const close = [...pixels(closer)];
    for (const [width, height] of [[300, 600], [0, 0], [1000, 600]]) {
      view.resize(width, height);
      closer.resize(width, height);
    }
    near(pixels(view), before);
    near(pixels(closer), close);
    assert.ok(Math.abs(closer.nearness - 3) < 1e-6);
  }
});

test("a turned cloud keeps its distances", () => {
  const cube = Float32Array.from({ length: 24 }, (_, i) => ((i / 3) >> (i % 3)) & 1);
  const view = fitted(400, 400, 3, cube), { turn } = view;
  view.rotate(0.7, -1.3);
  assert.notDeepEqual([...view.turn], [...turn]);
  for (const a of [0, 1, 2]) for (const b of [0, 1, 2]) {
    const dot = [0, 1, 2].reduce((sum, i) => sum + view.turn[3 * a + i] * view.turn[3 * b + i], 0);
    near([dot], [a === b ? 1 : 0], 1e-5);
  }
  assert.ok(pixels(view, cube).every((value) => value >= 0 && value <= 400));
});

test("a map that is a single point can still be looked at", () => {
  near(pixels(fitted(400, 300, 2, Float32Array.from([5, 5, 0])), Float32Array.from([5, 5, 0])), [200, 150]);
});

test("the point under the cursor is the nearest that is shown, within reach", () => {
  const at = Float32Array.from([10, 10, 14, 10, 100, 100]);
  assert.equal(pointAt(at, [1, 1, 1], 13, 10, 14), 1);
  assert.equal(pointAt(at, [1, 0, 1], 13, 10, 14), 0);
  assert.equal(pointAt(at, [1, 1, 1], 50, 50, 14), -1);
});

test("a lasso takes the shown points inside it, also where it is not convex", () => {
  const hook = [[0, 0], [30, 0], [30, 30], [20, 30], [20, 10], [0, 10]];
  const at = Float32Array.from([5, 5, 25, 25, 10, 20, 25, 5, 40, 5]);
  assert.deepEqual(pointsInside(at, [1, 1, 1, 1, 1], hook), [0, 1, 3]);
  assert.deepEqual(pointsInside(at, [0, 1, 1, 1, 1], hook), [1, 3]);
});

test("points are drawn in one shuffled order that is the same every time", () => {
  const order = shuffled(1000);
  assert.deepEqual([...order], [...shuffled(1000)]);
  assert.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: 1000 }, (_, i) => i));
  assert.ok(order.slice(0, 500).filter((place) => place < 500).length < 300);
});

test("few mistakes stand out, small classes do not", () => {
  const counts = [990, 10];
  assert.deepEqual([...rareCodes({ kind: "class", named: false, counts }, 1000)], [1]);
  assert.equal(rareCodes({ kind: "class", named: true, counts }, 1000).size, 0);
  assert.equal(rareCodes({ kind: "value", named: false, counts }, 1000).size, 0);
});

test("bytes, colours and the speed between two epochs", () => {
  assert.deepEqual([...new Float32Array(decode("AACAPwAAAEA=").buffer)], [1, 2]);
  assert.deepEqual(hex("#2f6fd0"), [47, 111, 208]);
  assert.deepEqual([0, 0.5, 1].map(eased), [0, 0.5, 1]);
  assert.ok(eased(0.1) < 0.05 && eased(0.9) > 0.95);
});

test("a line of equal density lies round its heap, and hidden points count for nothing", () => {
  const count = 4000, pixels = new Float32Array(2 * count), shown = new Uint8Array(count).fill(1);
  for (let i = 0; i < count; i++) { // a sunflower of radius 60 round (200, 150): as many points everywhere within
    const radius = 60 * Math.sqrt(i / count), angle = i * 2.39996;
    pixels.set([200 + radius * Math.cos(angle), 150 + radius * Math.sin(angle)], 2 * i);
  }
  const density = densityOf(pixels, shown, 400, 300), most = Math.max(...density.grid);
  const pieces = contoursOf(density, most / 2);
  assert.ok(pieces.length > 20);
  for (const [x, y] of pieces) assert.ok(Math.abs(Math.hypot(x - 200, y - 150) - 60) < 9, `${x}, ${y}`);
  assert.equal(Math.max(...densityOf(pixels, shown.fill(0), 400, 300).grid), 0);
});

// A map without a page, whose frames are drawn by hand: what its cloud was told to draw, and a frame at a time in milliseconds.
function handDrawn(count, positions = new Float32Array(3 * count)) {
  const waiting = [], drawn = [];
  globalThis.requestAnimationFrame = (work) => waiting.push(work);
  const map = Object.assign(Object.create(Scatter.prototype), detailing, {
    data: { count, dims: 2, layer: { shapes: [] } }, ready: true, ratio: 1, width: 400, height: 300, view: fitted(), positions,
    pixels: new Float32Array(2 * count), order: Uint32Array.from({ length: count }, (_, i) => i), overlay() {},
    cloud: { draw: (look, from, to, few) => drawn.push([from, to, few]), pickOut: (few) => (map.picked = few) },
  });
  let now = 0;
  return { map, drawn, waiting, frame: (passed = 40) => waiting.splice(0).forEach((work) => work((now += passed))) };
}

test("of many points those on top are drawn while the map moves; at rest all are, slice by slice", () => {
  const count = 250_000, { map, drawn, waiting, frame } = handDrawn(count);
  map.glide();
  frame();
  map.draw(false); // the point under the cursor
  frame();
  assert.equal(waiting.length, 0);
  assert.equal(drawn.length, 1);
  const [[from, some]] = drawn;
  assert.ok(from === 0 && some < count);
  map.rest();
  drawn.length = 0;
  while (waiting.length) frame();
  assert.ok(drawn.length > 2);
  drawn.forEach(([begin], at) => assert.equal(begin, at ? drawn[at - 1][1] : 0));
  assert.equal(drawn.at(-1)[1], count);
});

test("what moves while slices are drawn begins anew", () => {
  const { map, drawn, frame } = handDrawn(250_000);
  map.draw();
  frame();
  frame();
  map.view.pan(30, 0);
  map.draw();
  frame();
  assert.equal(drawn.at(-1)[0], 0);
  near(map.spots().slice(0, 2), pixels(map.view, map.positions.subarray(0, 3)));
});

test("slices grow where frames come quickly and shrink where they are late", () => {
  const lastOf = (passed) => {
    const { map, drawn, frame } = handDrawn(250_000);
    for (let i = 0; i < 40; i++) { map.glide(); frame(passed); }
    clearTimeout(map.resting);
    return [drawn[0][1], drawn.at(-1)[1]];
  };
  const [first, quick] = lastOf(16), [, late] = lastOf(90);
  assert.equal(quick, 250_000);
  assert.ok(late < first);
});

test("a map that moves shows 30 frames a second where the machine can, and as many points as that allows", () => {
  const refresh = 1000 / 60; // a frame is shown with the screen's next refresh
  for (const [least, each] of [[8, 0.0005], [15, 0.0012]]) { // milliseconds of a frame, and of each point in it
    const { map, drawn, frame } = handDrawn(1_000_000), spent = [];
    for (let i = 0; i < 200; i++) {
      map.glide();
      spent.push(refresh * Math.ceil((least + each * (drawn.at(-1)?.[1] ?? 60_000)) / refresh));
      frame(spent.at(-1));
    }
    clearTimeout(map.resting);
    const mean = spent.slice(50).reduce((a, b) => a + b) / 150, points = drawn.slice(50).reduce((sum, [, to]) => sum + to, 0) / 150;
    assert.ok(mean < 1.01 * 2 * refresh, `${mean} ms a frame`);
    assert.ok(points > 0.6 * (2 * refresh - least) / each, `${points} points`);
  }
});

test("a slow machine leaves points out of a smaller map, too, and a quick one never does", () => {
  const lastOf = (passed) => {
    const { map, drawn, frame } = handDrawn(50_000);
    for (let i = 0; i < 40; i++) { map.glide(); frame(passed); }
    clearTimeout(map.resting);
    return [drawn.at(-1)[1], Boolean(map.restless)];
  };
  const [late, moving] = lastOf(60);
  assert.ok(late < 25_000 && moving);
  assert.deepEqual(lastOf(1000 / 60), [50_000, false]);
});

test("a map that is moved now and then is not taken for a slow machine", () => {
  const { map, drawn, frame } = handDrawn(250_000);
  for (let i = 0; i < 40; i++) { map.glide(); frame(100); frame(1000 / 60); }
  clearTimeout(map.resting);
  assert.equal(drawn.at(-1)[1], 250_000);
});

test("a screen that shows 30 frames a second at most costs no points", () => {
  const { map, drawn, frame } = handDrawn(250_000);
  for (let i = 0; i < 60; i++) { map.glide(); frame(1000 / 30 + (i % 2 ? 0.4 : -0.4)); }
  clearTimeout(map.resting);
  assert.equal(drawn.at(-1)[1], drawn[0][1]);
});

test("close up, only points round what is in sight are drawn, and every one that is in sight", () => {
  const side = 400, positions = new Float32Array(3 * side * side);
  for (let i = 0; i < side * side; i++) positions.set([10 * (i % side) / side, 4 * Math.floor(i / side) / side], 3 * i);
  const { map, drawn, frame } = handDrawn(side * side, positions);
  map.view.zoomAt(12, 130, 90);
  map.draw();
  frame();
  assert.ok(drawn[0][2] && drawn[0][1] === map.picked.length && map.picked.length < 10_000);
  const there = new Set(map.picked), at = pixels(map.view, positions);
  for (let i = 0; i < side * side; i++) {
    if (at[2 * i] > 0 && at[2 * i] < 400 && at[2 * i + 1] > 0 && at[2 * i + 1] < 300) assert.ok(there.has(i));
  }
  map.view.fit(positions, 400, 300);
  map.draw();
  frame();
  assert.equal(drawn.at(-1)[2], false);
});

test("no probability under the cursor is certain", () => {
  assert.deepEqual([1, 254 / 255, 253 / 255, 0.5].map(sureness), [">99%", ">99%", "99%", "50%"]);
});

test("a name stands whole within the map, beside its middle at an edge, and not where that is out of sight", () => {
  assert.deepEqual(nameAt(200, 150, 50, 400, 300), [200, 150]);
  assert.deepEqual(nameAt(10, 299, 50, 400, 300), [54, 288]);
  assert.deepEqual(nameAt(395, 2, 50, 400, 300), [346, 12]);
  assert.deepEqual(nameAt(30, 150, 250, 400, 300), [200, 150]);
  for (const [x, y] of [[-1, 150], [401, 150], [200, -1], [200, 301]]) assert.equal(nameAt(x, y, 50, 400, 300), null);
});

test("few points with a shape of their own among many are drawn as large as a shape must be", () => {
  const map = Object.assign(Object.create(Scatter.prototype), { data: { layer: { shapes: [0, 1] } }, view: fitted(), order: { length: 60_000 } });
  map.shaped = 800;
  assert.ok(map.dot < 3 && map.shapedDot === 6);
  map.shaped = 30_000;
  assert.equal(map.shapedDot, map.dot);
});

// The names that a map of clusters writes, of which each is one point.
function written(names, positions, more = {}) {
  const texts = [], pen = new Proxy({ measureText: (text) => ({ width: 8 * text.length }), fillText: (...said) => texts.push(said) },
    { get: (own, key) => own[key] ?? (() => {}) });
  globalThis.getComputedStyle = () => ({ fontFamily: "sans" });
  const layer = { named: true, names, nameless: [] };
  const map = { data: { count: names.length, layer }, view: fitted(400, 300, 2, positions), positions, codes: names.map((_, i) => i), hidden: new Set(), pen, width: 400, height: 300, ...more };
  drawing.drawNames.call(map, "black", "white");
  return texts;
}

test("no name covers another: the larger group has its own, and the one that is pointed at", () => {
  const names = ["7 · cluster 1", "1 · cluster 2", "9 · cluster 3"], heaps = Float32Array.from([0, 0, 0, 0.01, 0, 0, 0, 1, 0]);
  const said = (more) => written(names, heaps, more).map(([text]) => text);
  assert.deepEqual(said(), [names[0], names[2]]);
  assert.deepEqual(said({ focus: 1 }), names);
});

test("names of many clusters are short, and all of them lie within the map", () => {
  const names = Array.from({ length: 30 }, (_, i) => `${i % 10} · cluster ${i + 1}`);
  const line = Float32Array.from({ length: 90 }, (_, i) => (i % 3 === 1 ? Math.floor(i / 3) : 0));
  const said = written(names, line);
  assert.ok(said.length > 10 && said.every(([text, x, y]) => !text.includes("cluster") && x > 4 * text.length && x < 400 - 4 * text.length && y > 10 && y < 290));
});

// What the tip says of each point: text and class of its lines.
function told(mended) {
  const rows = () => ({ lines: [], append(...each) { this.lines.push(...each.map((one) => [one.textContent, one.className].filter(Boolean).join(" | "))); } });
  globalThis.document = { createElement: () => rows() };
  const base64 = (array) => Buffer.from(array.buffer).toString("base64");
  const sent = { at: base64(Int32Array.from(mended.at)), codes: base64(Uint16Array.from(mended.codes)), words: mended.words };
  const map = {
    data: { classes: ["1", "7"], answers: ["1", "7"], shown: ["Given label"], layer: { title: "Given label" } }, mended: mendedOf(sent),
    labels: Int16Array.from([0, 0, 0, -1]), answers: Int16Array.from([1, 1, 1, 1]), confidence: Uint8Array.from([204, 204, 204, 204]),
  };
  return [0, 1, 2, 3].map((place) => {
    let shown;
    map.tip = { classList: { toggle() {} }, replaceChildren: (found) => (shown = found.lines) };
    listening.describe.call(map, place);
    return shown;
  });
}

test("under the cursor stands the label as it is now, and a prediction is wrong by that one", () => {
  const before = told({ at: [], codes: [], words: [] });
  assert.deepEqual(before[0], ["1", "predicted 7, 80% | bad"]);
  assert.deepEqual(before[3], ["no label", "predicted 7, 80%"]);
  const words = [["labelled 7, was 1", "7"], ["excluded, was 1", null], ["labelled 1, had no label", "1"]];
  const after = told({ at: [0, 1, 3], codes: [0, 1, 2], words });
  assert.deepEqual(after, [[words[0][0], "predicted 7, 80%"], [words[1][0], "predicted 7, 80%"], before[2], [words[2][0], "predicted 7, 80% | bad"]]);
});
