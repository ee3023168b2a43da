// Keys that decide about the image on the screen. A press carries the image that it is for, so that however late it arrives,
// it changes no other; presses before the page is drawn anew are for the images that the person sees next, or for none. Where the
// page is slow to answer they count for nothing, and a line says so: whoever sees nothing change presses the same key again.

const OWN = "input, textarea, select, [contenteditable='true'], [role='combobox'], [role='listbox'], [data-keys]"; // the last: what has keys of its own
const MOVED_IN = "a, [role='radio'], [role='option'], [role='slider'], [role='tab'], [role='menuitem']";
const HEARD = ["keydown", "click"];
const CLOSED_MS = 50; // within which a select box closes after a choice
const TYPING_MS = 1000; // who types for the images that come next leaves less between two keys; who repeats a key waits for longer
const LONG_MS = 20_000; // after which a page that does not answer is better loaded anew
const SENT = 40; // presses: more than are made while one drawing of the page takes

// What a key does: an action by its name, or '=' and the class that a letter or digit without an action is to make; '' nothing.
export function actionOf(key, keys, free) {
  const lower = key.toLowerCase();
  if (keys[key] ?? keys[lower]) return keys[key] ?? keys[lower];
  return free && /^[\p{L}\p{N}]$/u.test(key) ? `=${key}` : "";
}

// The first of the images in `queue`, of {name, likely}, that no press since has decided about; null: none that is seen.
export function aimedAt(queue, presses) {
  const decided = new Set(presses.filter((press) => press.ends).map((press) => press.name));
  return queue.find((image) => !decided.has(image.name)) ?? null;
}

// The presses that the page has not answered yet, with one more; the same list where it is for no image.
export function pressed(presses, action, data, number) {
  if (action === data.undo) {
    const last = presses.findLastIndex((press) => press.ends && press.action !== data.skip); // what is skipped is no decision
    const kept = presses.map((press, at) => (at === last ? { ...press, ends: false } : press));
    return [...kept, { number, action, name: "", likely: "", ends: false }];
  }
  const image = aimedAt(data.queue, presses);
  if (!image) return presses;
  return [...presses, { number, action, ...image, ends: !data.stays.some((start) => action.startsWith(start)) }];
}

// Why a key counts for nothing now; '' where it counts. at: when the first press that is not answered was made.
export function whyNot(connected, presses, now) {
  if (!connected) return "No connection to the lab: keys count again once it is back.";
  const waits = presses.length ? now - presses[0].at : 0;
  if (waits >= LONG_MS) return "The lab does not answer. Reload the page if this stays.";
  return waits >= TYPING_MS ? "Waiting for the lab: keys count again once it has answered." : "";
}

// The presses that the lab did not hear before it was started again: what it heard is decided, and in the queue no more.
export function unheard(presses, data) {
  const from = presses.findIndex((press) => !press.ends || data.queue.some((image) => image.name === press.name));
  return from < 0 ? [] : presses.slice(from);
}

// What is left of the presses after the lab was started again: the first, where the image that it is for is still to be decided
// about; whether a press was answered by the lab that was before is not known, and those after it were made on a page that had stopped.
export function afterRestart(presses, data) {
  const [first] = presses;
  return first?.ends && first.name === data.queue[0]?.name ? [first] : [];
}

const STATE = "data-test-connection-state"; // that Streamlit keeps on its page; where it is not there, all counts as connected

function connected() {
  const app = document.querySelector(`[${STATE}]`);
  return !app || app.getAttribute(STATE) === "CONNECTED";
}

function isFor(event, key) {
  if (event.defaultPrevented || event.isComposing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return false;
  const from = event.composedPath()[0];
  if (!(from instanceof Element)) return true;
  return !from.closest(OWN) && !((key === "Enter" || key.startsWith("Arrow")) && from.closest(MOVED_IN));
}

// Whether the focus is in a select box of one of these keys that is closed, as after a choice: the next key would search in it.
export function keepsFocus(active, boxes) {
  if (active?.getAttribute("role") !== "combobox" || active.getAttribute("aria-expanded") === "true") return false;
  return boxes.some((key) => active.closest(`.st-key-${key}`));
}

// Whether an event is a choice in a select box that is open: a click on an option, or Enter.
export function chooses(event) {
  const from = event.composedPath()[0];
  if (!from?.closest) return false;
  if (event.type === "click") return Boolean(from.closest("[role='option']"));
  return event.key === "Enter" && from.closest("[role='combobox']")?.getAttribute("aria-expanded") === "true";
}

class Keys {
  constructor(root) {
    this.root = root;
    this.presses = [];
    this.number = 0;
    this.lost = "";
    this.listener = (event) => (chooses(event) ? this.leaveSoon() : event.type === "keydown" && this.hear(event));
    for (const type of HEARD) window.addEventListener(type, this.listener, true); // before Streamlit's own shortcuts, which carry no image
    this.leaveSoon(); // a choice may have been what this page was drawn for
    this.connected = connected();
    this.watch = new MutationObserver(() => this.wake());
    const app = document.querySelector(`[${STATE}]`);
    if (app) this.watch.observe(app, { attributes: true, attributeFilter: [STATE] });
  }

  end() {
    clearTimeout(this.clock);
    this.watch.disconnect();
    for (const type of HEARD) window.removeEventListener(type, this.listener, true);
  }

  // Once the box has closed, the keys are for the images again.
  leaveSoon() {
    setTimeout(() => keepsFocus(document.activeElement, this.data?.leaves ?? []) && document.activeElement.blur(), CLOSED_MS);
  }

  // Have the page drawn anew once it is connected again: to a lab that was started meanwhile its first key or click would be
  // no more than a reason to draw it, and be lost.
  wake() {
    const was = this.connected;
    this.connected = connected();
    if (this.connected && !was) this.call?.("woken", performance.now());
  }

  update(data, call) {
    const restarted = this.data && this.data.session !== data.session;
    this.data = data;
    this.call = call;
    this.root.dataset.session = data.session; // by which a page that was drawn anew after a restart is told
    if (restarted) this.goOn();
    else this.presses = this.presses.filter((press) => press.number > data.answered);
    this.tell();
  }

  // The lab was started again, and knows nothing of what was pressed before.
  goOn() {
    const open = unheard(this.presses, this.data);
    const kept = afterRestart(open, this.data);
    if (kept.length < open.length) this.lost = "The lab was interrupted: a key may be lost. Look at the image before you go on.";
    this.presses = kept;
    if (kept.length) setTimeout(() => this.sent()); // not while the page is being drawn
  }

  sent() {
    const { session } = this.data;
    this.call("pressed", this.presses.map(({ number, action, name, likely }) => ({ number, action, name, likely, session })));
  }

  hear(event) {
    const action = isFor(event, event.key) ? actionOf(event.key, this.data.keys, this.data.free) : "";
    if (!action) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.lost = "";
    const now = event.timeStamp; // of the press, however late a busy page hears of it
    if (whyNot(connected(), this.presses, now)) {
      this.tell(true);
      return;
    }
    this.number = Math.max(this.number + 1, Math.round(performance.now())); // grows, also where the component is mounted anew
    const presses = pressed(this.presses, action, this.data, this.number);
    if (presses === this.presses) return;
    this.presses = presses.slice(-SENT).map((press) => ({ at: now, ...press }));
    this.sent();
    this.tell();
  }

  // Say why keys don't count, for as long as they don't; asked: also without a press that waits.
  tell(asked = false) {
    clearTimeout(this.clock);
    this.root.dataset.waits = this.presses.length; // for who presses keys by a program: at 0 the next one counts
    const why = asked || this.presses.length ? whyNot(connected(), this.presses, performance.now()) : "";
    this.root.textContent = why || this.lost;
    this.root.hidden = !this.root.textContent;
    if (why || this.presses.length) this.clock = setTimeout(() => this.tell(Boolean(why)), 250);
  }
}

const mounted = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".keys");
  if (!mounted.has(root)) mounted.set(root, new Keys(root));
  const keys = mounted.get(root);
  keys.update(data, setStateValue);
  return () => {
    if (root.isConnected) return;
    keys.end();
    mounted.delete(root);
  };
}
