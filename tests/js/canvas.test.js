// The pad without a page: strokes that are taken back, and questions of which only the newest waits.

import assert from "node:assert/strict";
import { test } from "node:test";

import { sharesOf } from "../../assets/canvas/answer.js";
import { alike, percent } from "../../assets/canvas/elements.js";
import { latest } from "../../assets/canvas/latest.js";
import { drawByKeys } from "../../assets/canvas/nib.js";
import { unanswered } from "../../assets/canvas/views.js";
import { Strokes, dab } from "../../assets/canvas/strokes.js";

const stroke = (name) => ({ name, points: [[0, 0]] });
const names = (list) => list.map((each) => each.name).join("");

test("strokes are taken back and drawn again in their order", () => {
  const strokes = new Strokes();
  "abc".split("").forEach((name) => strokes.add(stroke(name)));
  assert.ok(strokes.undo() && strokes.undo());
  assert.equal(names(strokes.drawn), "a");
  assert.ok(strokes.redo());
  assert.equal(names(strokes.drawn), "ab");
});

test("a cleared pad comes back stroke by stroke, the first one first", () => {
  const strokes = new Strokes();
  "abc".split("").forEach((name) => strokes.add(stroke(name)));
  assert.ok(strokes.clear() && strokes.empty);
  assert.ok(!strokes.clear() && !strokes.undo());
  strokes.redo();
  strokes.redo();
  assert.equal(names(strokes.drawn), "ab");
});

test("a new stroke ends what could be drawn again; what is forgotten does not come back, what was drawn since stays", () => {
  const strokes = new Strokes();
  strokes.add(stroke("a"));
  strokes.undo();
  strokes.add(stroke("b"));
  assert.ok(!strokes.redo());
  strokes.add(stroke("c"));
  strokes.forget(1);
  assert.equal(names(strokes.drawn), "c");
  strokes.forget(1);
  assert.ok(strokes.empty && !strokes.undo() && !strokes.redo());
});

test("a stroke is drawn on from where it was, an eraser takes ink away, a dot is a disc", () => {
  const calls = [];
  const context = new Proxy({}, {
    get: (_, name) => (...values) => calls.push([name, ...values]),
    set: (_, name, value) => calls.push([name, value]),
  });
  const line = { width: 8, erase: false, points: [[0, 0], [10, 0], [20, 0], [30, 0]] };
  dab(context, line, 3);
  assert.deepEqual(calls.filter(([name]) => name.endsWith("To")), [["moveTo", 15, 0], ["quadraticCurveTo", 20, 0, 25, 0], ["lineTo", 30, 0]]);
  calls.length = 0;
  dab(context, { width: 8, erase: true, points: [[5, 5]] }, 1);
  assert.deepEqual(calls.find(([name]) => name === "globalCompositeOperation"), ["globalCompositeOperation", "destination-out"]);
  assert.deepEqual(calls.find(([name]) => name === "arc"), ["arc", 5, 5, 4, 0, 7]);
});

test("a seventh model that is ticked is said not to be asked", () => {
  const ticked = new Set("abcdefg");
  assert.deepEqual(["a", "f", "g", "x"].map((name) => unanswered(name, ticked)), ["", "", "not asked: 6 at most, untick another", "not asked: tick to include it"]);
});

test("the shares of a bar come to what it shows, those too unlikely to be named included", () => {
  const members = [{ label: "1", share: 0.6 }, { label: "l", share: 0.3 }];
  assert.equal(sharesOf({ share: 0.9, members }), "1 60%, l 30%");
  assert.equal(sharesOf({ share: 0.004, members: [{ label: "Z", share: 0.003 }] }), "Z 0.3%, look-alikes 0.1%");
});

test("only what is the same is wholly alike", () => {
  assert.deepEqual([1, 0.9999999, 0.999, 0.5].map(alike), ["1.00", "1.00", "0.99", "0.50"]);
});

test("shares are whole percents, small ones with a decimal, and none is certain", () => {
  assert.deepEqual([0, 0.0004, 0.004, 0.014, 0.0994, 0.5, 0.994, 0.9951, 1].map(percent), ["0%", "<0.1%", "0.4%", "1.4%", "9.9%", "50%", "99%", ">99%", ">99%"]);
});

// `latest` with a clock of its own: timers run when `pass` says so.
function asking(t, question) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const sent = [], shown = [], slow = [];
  const send = (data) => new Promise((answered, failed) => sent.push({ data, answered, failed }));
  const ask = latest(send, question, (answer) => shown.push(answer), () => slow.push(now));
  const settle = async () => { for (let i = 0; i < 10; i++) await Promise.resolve(); };
  const pass = async (milliseconds) => { now += milliseconds; t.mock.timers.tick(milliseconds); await settle(); };
  return { ask, sent, shown, slow, settle, pass };
}

test("of a burst of questions the first is sent, and then the newest only", async (t) => {
  let drawing = 0;
  const { ask, sent, shown, settle, pass } = asking(t, () => drawing);
  for (drawing = 1; drawing <= 20; drawing++) ask();
  drawing = 20;
  await settle();
  assert.deepEqual(sent.map(({ data }) => data), [1]);
  sent[0].answered("one");
  await settle();
  await pass(40);
  assert.deepEqual(sent.map(({ data }) => data), [1, 20]);
  sent[1].answered("twenty");
  await settle();
  assert.deepEqual(shown, ["one", "twenty"]);
});

test("a pad that is told to wait does so while the pen moves, for two seconds at most, and not when it rests", async (t) => {
  const { ask, sent, settle, pass } = asking(t, () => 1);
  const answered = async (gap_ms) => { await pass(10); sent.at(-1).answered({ gap_ms }); await settle(); };
  ask();
  await answered(700);
  ask();
  await pass(689);
  assert.equal(sent.length, 1);
  await pass(1);
  assert.equal(sent.length, 2);
  await answered(60000);
  ask();
  await pass(1989);
  assert.equal(sent.length, 2);
  await pass(1);
  assert.equal(sent.length, 3);
  await answered(1500);
  ask(true);
  await settle();
  assert.equal(sent.length, 4);
});

test("a pad whose lab is slow asks less often while the pen moves, and at once when it rests", async (t) => {
  const { ask, sent, settle, pass } = asking(t, () => 1);
  const answered = async (after) => { await pass(after); sent.at(-1).answered("one"); await settle(); };
  ask();
  await answered(200);
  ask();
  await pass(399);
  assert.equal(sent.length, 1);
  await pass(1);
  assert.equal(sent.length, 2);
  await answered(200);
  ask();
  await pass(100);
  ask(true);
  await settle();
  assert.equal(sent.length, 3);
  ask();
  ask(true);
  await answered(300);
  assert.equal(sent.length, 4);
});

test("an answer to a drawing that has been cleared meanwhile is not shown", async (t) => {
  let drawing = 7;
  const { ask, sent, shown, settle, pass } = asking(t, () => drawing);
  ask();
  drawing = null;
  ask();
  sent[0].answered("seven");
  await settle();
  await pass(40);
  assert.deepEqual(shown, [null]);
});

test("a lab that answers late is waited for with a word, one that fails or is silent is said", async (t) => {
  const { ask, sent, shown, slow, settle, pass } = asking(t, () => 1);
  ask();
  await pass(400);
  assert.deepEqual(slow, [400]);
  await pass(15_000);
  assert.deepEqual(shown, [undefined]);
  ask();
  sent[1].failed(new Error("gone"));
  await settle();
  assert.deepEqual(shown, [undefined, undefined]);
});

test("a stroke is drawn by keys: space puts the pen down, arrows move it, leaving the pad lifts it", () => {
  const heard = {}, done = [], mark = { style: {}, classList: { toggle: (name, on) => { mark.down = on; } } };
  const canvas = { width: 960, height: 720, addEventListener: (name, answer) => { heard[name] = answer; } };
  drawByKeys(canvas, mark, {
    begin: (point) => done.push(["begin", ...point]), go: ([point]) => done.push(["go", ...point]), end: () => done.push(["end"]),
  });
  let kept = 0;
  const press = (key, more = {}) => heard.keydown({ key, preventDefault: () => { kept += 1; }, ...more });
  press("ArrowLeft");
  assert.deepEqual([done, mark.style.left, mark.style.top], [[], "47.5%", "25%"]);
  press(" ");
  press("ArrowDown");
  assert.ok(mark.down);
  heard.blur();
  press("ArrowDown");
  assert.deepEqual(done, [["begin", 456, 180], ["go", 456, 204], ["end"]]);
  assert.equal(kept, 4);
  press("z");
  press("ArrowDown", { ctrlKey: true });
  assert.deepEqual([kept, mark.down], [4, false]); // other keys are the page's
});
