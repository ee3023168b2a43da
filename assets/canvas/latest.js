// Questions to the lab, one at a time: while one is under way only the newest waits, so a burst of changes never queues up.

const LEAST_GAP_MS = 40, SLOW_MS = 400, ANSWER_MS = 15000;

// `ask()`, the function that is returned, may be called at any rate. `question()` gives what to send when its turn comes,
// or null for nothing; `send` answers with a promise; `show(answer)` gets null for nothing and undefined for no answer in
// time; `slow()` is called where an answer takes long.
export function latest(send, question, show, slow) {
  let asking = false, stale = false, last = -Infinity, waiting = null;
  return async function ask() {
    stale = true;
    if (asking) return;
    const wait = LEAST_GAP_MS - (performance.now() - last);
    if (wait > 0) { clearTimeout(waiting); waiting = setTimeout(ask, wait); return; }
    asking = true; stale = false; last = performance.now();
    const data = question();
    let answer = null;
    if (data) {
      const tardy = slow ? setTimeout(slow, SLOW_MS) : null;
      const limit = new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
      answer = await Promise.race([send(data), limit]).catch(() => undefined);
      clearTimeout(tardy);
    }
    asking = false;
    if (!data || question()) show(answer);        // the pad may have been cleared while we waited
    if (stale) ask();
  };
}

