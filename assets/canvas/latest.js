// Questions to the lab, one at a time: while one is under way only the newest waits, so a burst of changes never queues up.
// While the pen moves, a pad waits PATIENCE times as long as the last answer took before it asks again: alone it is answered
// twenty times a second, and the pads of a class together leave the lab time to answer each of them, and to train. Where many
// draw at once, an answer says how long to wait (gap_ms, app/reading/pace.py).

const LEAST_GAP_MS = 40, PATIENCE = 3, MOST_GAP_MS = 2000, SLOW_MS = 400, ANSWER_MS = 15000;

// `ask(ended)`, the function that is returned, may be called at any rate; ended: the drawing rests, and its answer is wanted
// at once. `question()` gives what to send when its turn comes, or null for nothing; `send` answers with a promise;
// `show(answer)` gets null for nothing and undefined for no answer in time; `slow()` is called where an answer takes long.
export function latest(send, question, show, slow) {
  let asking = false, stale = false, rests = false, gap = LEAST_GAP_MS, last = -Infinity, waiting = null;
  return async function ask(ended = false) {
    stale = true; rests = ended;
    if (asking) return;
    clearTimeout(waiting);
    const wait = rests ? 0 : gap - (performance.now() - last);
    if (wait > 0) { waiting = setTimeout(() => ask(rests), wait); return; }
    asking = true; stale = false; last = performance.now();
    const data = question();
    let answer = null;
    if (data) {
      const tardy = slow ? setTimeout(slow, SLOW_MS) : null;
      const limit = new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
      answer = await Promise.race([send(data), limit]).catch(() => undefined);
      clearTimeout(tardy);
      gap = Math.min(Math.max(LEAST_GAP_MS, PATIENCE * (performance.now() - last), answer?.gap_ms ?? 0), MOST_GAP_MS);
    }
    asking = false;
    if (!data || question()) show(answer);        // the pad may have been cleared while we waited
    if (stale) ask(rests);
  };
}

