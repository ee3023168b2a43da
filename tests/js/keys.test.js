// Keys that decide about images: a press carries the image that was seen, and no image is decided about twice.

import assert from "node:assert/strict";
import { test } from "node:test";

import { actionOf, afterRestart, aimedAt, chooses, keepsFocus, pressed, unheard, whyNot } from "../../app/widgets/keys.js";

const data = {
  keys: { Enter: "take", ArrowRight: "skip", x: "out", u: "undo", 9: "=9", a: "=A" },
  queue: [{ name: "one", likely: "7" }, { name: "two", likely: "" }, { name: "three", likely: "3" }],
  stays: [], undo: "undo", skip: "skip",
};
const all = (...actions) => actions.reduce((presses, action, at) => pressed(presses, action, data, at), []);

test("a key does what it is for; another letter or digit makes a class only where that is asked for", () => {
  assert.equal(actionOf("9", data.keys, false), "=9");
  assert.equal(actionOf("A", data.keys, false), "=A");
  assert.equal(actionOf("X", data.keys, true), "out");
  assert.equal(actionOf("7", data.keys, true), "=7");
  assert.equal(actionOf("é", data.keys, true), "=é");
  assert.equal(actionOf("7", data.keys, false), "");
  assert.equal(actionOf("Shift", data.keys, true), "");
  assert.equal(actionOf("-", data.keys, true), "");
});

test("presses before the page is drawn anew are for the images that are seen next, or for none", () => {
  const found = all("=9", "=2", "take", "=4");
  assert.deepEqual(found.map((press) => [press.action, press.name, press.likely]), [["=9", "one", "7"], ["=2", "two", ""], ["take", "three", "3"]]);
  assert.equal(aimedAt(data.queue, found), null);
});

test("after an undo the image that was labelled last is aimed at again; one that was skipped is not", () => {
  assert.deepEqual(all("=9", "undo", "=2").map((press) => press.name), ["one", "", "one"]);
  assert.deepEqual(all("=9", "skip", "undo", "=2").map((press) => press.name), ["one", "two", "", "one"]);
});

test("what changes an image and stays with it can be pressed again", () => {
  const card = { ...data, queue: data.queue.slice(0, 1), stays: ["="] };
  const two = pressed(pressed([], "=9", card, 1), "=2", card, 2);
  assert.deepEqual(two.map((press) => press.name), ["one", "one"]);
  const gone = pressed(two, "next", card, 3);
  assert.equal(pressed(gone, "=4", card, 4), gone);
});

// A box as far as is asked of it: its role, whether it is open, and the key of the widget that it is in.
const box = (role, open, key) => {
  const self = { getAttribute: (name) => ({ role, "aria-expanded": open })[name] ?? null };
  self.closest = (what) => (what === `.st-key-${key}` || what === `[role='${role}']` ? self : null);
  return self;
};
const event = (type, from, key) => ({ type, key, composedPath: () => [from] });

test("after a choice the focus leaves the boxes that are named, once they are closed, and no others", () => {
  const boxes = ["data", "model"];
  assert.ok(keepsFocus(box("combobox", "false", "model"), boxes));
  assert.ok(!keepsFocus(box("combobox", "true", "model"), boxes), "somebody is searching in it");
  assert.ok(!keepsFocus(box("combobox", "false", "any-7.png"), boxes), "Enter there must not take the prediction");
  assert.ok(!keepsFocus(box("button", null, "model"), boxes) && !keepsFocus(null, boxes));
});

test("a choice is a click on an option, or Enter in a box that is open", () => {
  assert.ok(chooses(event("click", box("option"))) && !chooses(event("click", box("button"))));
  assert.ok(chooses(event("keydown", box("combobox", "true"), "Enter")));
  assert.ok(!chooses(event("keydown", box("combobox", "false"), "Enter")) && !chooses(event("keydown", box("combobox", "true"), "7")));
  assert.ok(!chooses(event("click", {})), "the page itself");
});

test("a key counts while the page answers, and for nothing where it has not for a second, or is not connected", () => {
  const waiting = [{ number: 1, action: "=9", name: "one", at: 5000 }, { number: 2, action: "=2", name: "two", at: 5900 }];
  assert.equal(whyNot(true, [], 90_000), "");
  assert.equal(whyNot(true, waiting, 5900), "");
  assert.match(whyNot(true, waiting, 6500), /^Waiting for the lab/);
  assert.match(whyNot(true, waiting, 26_000), /Reload the page/);
  assert.match(whyNot(false, [], 0), /^No connection to the lab/);
});

test("after a restart the first press goes on where its image is still to be decided about, and no press beside it", () => {
  assert.deepEqual(afterRestart(all("=9", "=9"), data).map((press) => press.name), ["one"]);
  assert.deepEqual(afterRestart(all("=9"), { ...data, queue: data.queue.slice(1) }), []);
  assert.deepEqual(afterRestart(all("undo"), data), []);
  assert.deepEqual(afterRestart([], data), []);
});

test("what was decided before a restart was heard: it is neither lost nor in the way of the next", () => {
  const later = { ...data, queue: data.queue.slice(1) };
  assert.deepEqual(unheard(all("=9"), later), []);
  assert.deepEqual(unheard(all("=9", "=A"), later).map((press) => press.name), ["two"]);
  assert.deepEqual(unheard(all("=9", "=A"), data).map((press) => press.name), ["one", "two"]);
  assert.equal(unheard(all("undo"), data).length, 1);
  assert.deepEqual(unheard([], data), []);
});
