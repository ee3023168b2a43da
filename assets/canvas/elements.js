// Small pieces of the page.

export function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// A probability: 0.5 as 50%, 0.014 as 1.4% (small ones with a decimal), and none as certain.
export function percent(share) {
  if (share >= 0.995) return ">99%";
  if (share > 0 && share < 0.0005) return "<0.1%";
  return `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}%`;
}

// A cosine similarity to two places: 1.00 is of embeddings that are the same, as no others are.
export const alike = (similarity) => (Math.floor(100 * similarity + 1e-4) / 100).toFixed(2);
