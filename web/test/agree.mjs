// When an answer in JavaScript is Python's.

import assert from "node:assert/strict";

export const iou = (one, other) => {
  const width = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const height = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  return (width * height) / (one.width * one.height + other.width * other.height - width * height);
};
const edges = ({ x, y, width, height }) => [x, y, x + width, y + height];

/** As tests/golden/README.md: the same faces, each with its box and its probabilities. */
export function agree(found, expected, what) {
  assert.equal(found.faces.length, expected.faces.length, what);
  assert.deepEqual([found.width, found.height, found.error], [expected.width, expected.height, null], what);
  for (const face of expected.faces) {
    const same = found.faces.reduce((best, other) => (iou(other.box, face.box) > iou(best.box, face.box) ? other : best));
    edges(face.box).forEach((edge, i) => assert.ok(Math.abs(edges(same.box)[i] - edge) <= 1, `${what}: ${JSON.stringify([same.box, face.box])}`));
    for (const [name, p] of Object.entries(face.probs))
      assert.ok(Math.abs(same.probs[name] - p) <= 1e-3, `${what}: ${name} is ${same.probs[name]}, expected ${p}`);
    assert.ok(Math.abs(same.score - face.score) <= 2e-3, `${what}: score ${same.score}, expected ${face.score}`);
    if (!face.ambiguous) assert.equal(same.emotion, face.emotion, what);
    assert.deepEqual(Object.keys(same), Object.keys(face), what);
  }
  assert.deepEqual(Object.keys(found), Object.keys(expected), what);
}
