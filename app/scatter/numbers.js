// What the scatter calculates without a page: bytes, colours, the order in which points are drawn.

// The bytes of a base64 text.
export const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// '#2f6fd0' as [47, 111, 208].
export const hex = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

// A probability in percents, of which none is certain, as everywhere in the lab.
export const sureness = (share) => (share >= 0.995 ? ">99%" : `${Math.round(100 * share)}%`);

// From 0 to 1 with no speed at either end (smoothstep), for points that move between two epochs.
export const eased = (part) => part * part * (3 - 2 * part);

// A fixed shuffle of 0 … count - 1, so that no class is always drawn on top: Fisher-Yates with the linear congruential
// generator of Numerical Recipes, because Math.random takes no seed.
export function shuffled(count) {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let state = 1;
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = state % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// Codes that few of `count` points have and that are no classes, such as mistakes: they are drawn on top and larger, or
// nobody would find them. A layer may say itself which these are.
export function rareCodes(layer, count) {
  if (layer.stressed?.length) return new Set(layer.stressed);
  if (layer.kind !== "class" || layer.named) return new Set();
  return new Set([...layer.counts.keys()].filter((code) => layer.counts[code] < 0.02 * count));
}

// From each point that has another label than the given one to [what is said of it, its label now or null].
export function mendedOf({ at, codes, words } = { at: "", codes: "", words: [] }) {
  const places = new Int32Array(decode(at).buffer), kinds = new Uint16Array(decode(codes).buffer);
  return new Map(Array.from(places, (place, i) => [place, words[kinds[i]]]));
}
