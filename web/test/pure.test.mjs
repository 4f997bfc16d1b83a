// The parts that need no browser, against what Python answers: node --test test/pure.test.mjs

import assert from "node:assert/strict";
import { test } from "node:test";

import { cropSquare, faceSquare } from "../src/crop.js";
import { buildAnchors, cut, decode, isWhole, letterbox, placed, suppress, tiles } from "../src/detector.js";
import { MienError } from "../src/errors.js";
import { onWhite, resize, round, shrink } from "../src/pixels.js";
import { label, toCsv } from "../src/results.js";
import { Smoother, smoothTwoSided } from "../src/smoothing.js";
import { Follower } from "../src/follow.js";
import { Tracker, assign } from "../src/tracker.js";
import { bytes, floats, opaque, pattern, read } from "./golden.mjs";

const pixels = read("pixels.json");
const faces = read("faces.json");
const time = read("time.json");
const results = read("results.json");

const usage = (error) => error instanceof MienError && error.code === "usage";

function near(actual, expected, tolerance, what) {
  assert.equal(actual.length, expected.length, what);
  expected.forEach((value, i) => assert.ok(Math.abs(actual[i] - value) <= tolerance, `${what}: [${i}] is ${actual[i]}, expected ${value}`));
}

const rgb = ({ data }) => data.filter((_, i) => i % 4 < 3);

test("a picture shrinks into the detector's square to the same floats, RGB and RGBA", () => {
  for (const { size, side_px, square } of pixels.letterboxes)
    for (const picture of [pattern(...size), opaque(pattern(...size))])
      assert.deepEqual(letterbox(picture, side_px), floats(square), `${size}`);
});

test("upright crops have the same grey levels, turned ones are off by one at most", () => {
  for (const { size, channels, square, crop } of pixels.crops) {
    const [left, top, side, turn_deg = 0] = square;
    const picture = pattern(...size, channels);
    for (const given of channels === 3 ? [picture, opaque(picture)] : [picture]) {
      const found = cropSquare(given, { left, top, side, turn_deg });
      near(found, bytes(crop), turn_deg ? 1 : 0, `${size} at ${square}`);
      assert.ok(found.filter((level, i) => level !== bytes(crop)[i]).length <= 5, `${square}`);
    }
  }
});

test("larger pictures are reduced to the same pixels", () => {
  for (const { size, longest_px, pixels: expected } of pixels.reductions) {
    assert.deepEqual(new Uint8Array(shrink(pattern(...size), longest_px).data), bytes(expected), `${size} to ${longest_px}`);
    assert.deepEqual(new Uint8Array(rgb(shrink(opaque(pattern(...size)), longest_px))), bytes(expected), `${size} RGBA`);
  }
  const small = pattern(30, 20);
  assert.equal(shrink(small, 30), small);
});

test("the axis that saves most is resized first, as in Pillow 13", () => {
  const tall = pattern(25, 104);
  assert.deepEqual(resize(tall, 12, 50), resize(resize(tall, 25, 50), 12, 50));
  assert.notDeepEqual(resize(tall, 12, 50), resize(resize(tall, 12, 104), 12, 50));
  const even = pattern(100, 100);
  assert.deepEqual(resize(even, 40, 50), resize(resize(even, 40, 100), 40, 50));
});

test("what is transparent lies on white", () => {
  const { size, pixels: expected } = pixels.transparencies;
  assert.deepEqual(new Uint8Array(rgb(onWhite(pattern(...size, 4)))), bytes(expected));
  const plain = opaque(pattern(9, 9));
  assert.equal(onWhite(plain), plain);
});

test("halves are rounded to the even neighbour", () => {
  assert.deepEqual([-1.5, 0.4, 0.5, 1.5, 2.5, 2.51].map(round), [-2, 0, 0, 2, 2, 3]);
});

test("six landmarks give the same square", () => {
  for (const { points, square } of faces.squares) {
    const { left, top, side, turn_deg } = faceSquare(points);
    near([left, top, side, turn_deg], square, 1e-9, `${points}`);
  }
});

test("the network's outputs become the same faces", () => {
  const { grids, side_px, raw, logits, decoded, faces: expected } = faces.detections;
  const anchors = buildAnchors(grids);
  const rows = (least) => decode(floats(raw), floats(logits), anchors, side_px, least);
  assert.ok(decoded.length > 5);
  rows(0.5).forEach((row, i) => near(row, decoded[i], 1e-12, `row ${i}`));
  for (const [least, all] of Object.entries(expected)) {
    const found = suppress(rows(Number(least)));
    assert.equal(found.length, all.length, least);
    found.forEach((row, i) => near(row, all[i], 1e-9, `face ${i} from ${least}`));
  }
});

test("small faces are looked for in the same tiles, which are cut out and put back", () => {
  for (const { size: [width, height], least_px, tiles: expected } of faces.detections.tiles)
    assert.deepEqual(tiles({ width, height }, least_px), expected);
  const part = cut(pattern(30, 20), [12, 5, 16]);
  assert.deepEqual([part.width, part.height], [16, 15]);
  assert.equal(part.data[(2 * 16 + 3) * 3 + 1], pattern(30, 20).data[(7 * 30 + 15) * 3 + 1]);
  const row = placed([0.25, 0.5, 0.25, 0.125, ...Array(12).fill(0.5), 0.9], [12, 5, 16]);
  assert.deepEqual(row, [16, 13, 4, 2, 20, 13, 20, 13, 20, 13, 20, 13, 20, 13, 20, 13, 0.9]);
  const size = { width: 60, height: 40 };
  assert.ok(isWhole(row, [12, 5, 16], size) && !isWhole(row, [16, 5, 16], size) && !isWhole(row, [12, 5, 8], size));
});

test("a face is whole in a tile unless an edge that is not the picture's cuts it", () => {
  for (const { box, tile, size: [width, height], whole } of faces.detections.whole)
    assert.equal(isWhole(box, tile, { width, height }), whole, `${box} in ${tile} of ${width} x ${height}`);
});

for (const { scene, frames } of time.clips)
  test(`every face of ${scene} keeps Python's number`, () => {
    const tracker = new Tracker();
    for (const [time_s, boxes, numbers] of frames) assert.deepEqual(tracker.update(time_s, boxes), numbers, `at ${time_s} s`);
  });

test("a tracker refuses times that go back and boxes without a size", () => {
  const tracker = new Tracker();
  tracker.update(1, [[0, 0, 10, 10]]);
  assert.throws(() => tracker.update(0.9, []), usage);
  assert.throws(() => tracker.update(NaN, []), usage);
  assert.throws(() => tracker.update(2, [[0, 0, 0, 10]]), usage);
});

for (const { scene, every, frames } of time.chases)
  test(`the faces of ${scene} are followed as Python does it`, () => {
    const follower = new Follower(every);
    for (const [time_s, squares, wanted, seen] of frames) {
      assert.equal(follower.wants(time_s), wanted, `at ${time_s} s`);
      const found = squares.map(([left, top, side, turn_deg]) => ({ square: { left, top, side, turn_deg }, score: 0.9 }));
      const faces = wanted ? follower.settle(time_s, found) : follower.expect(time_s);
      assert.deepEqual(faces.map(({ number }) => number), seen.map(([number]) => number), `at ${time_s} s`);
      faces.forEach(({ square: { left, top, side, turn_deg } }, i) => near([left, top, side, turn_deg], seen[i][1], 1e-6, `at ${time_s} s`));
    }
    assert.ok(frames.some(([, , wanted]) => !wanted));
  });

test("a follower refuses to search less than every frame of none", () => {
  assert.throws(() => new Follower(0), usage);
});

test("an assignment costs no more than the best of all", () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 300; round++) {
    const [rows, columns] = [1 + Math.floor(random() * 5), 1 + Math.floor(random() * 5)];
    const costs = Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.floor(random() * 9) + (round % 2) * random()));
    const pairs = assign(costs);
    assert.equal(pairs.length, Math.min(rows, columns));
    assert.equal(new Set(pairs.map(([i]) => i)).size, pairs.length);
    assert.equal(new Set(pairs.map(([, j]) => j)).size, pairs.length);
    const total = pairs.reduce((sum, [i, j]) => sum + costs[i][j], 0);
    assert.ok(Math.abs(total - cheapest(costs)) < 1e-9, JSON.stringify(costs));
  }
});

/** Every way to choose pairs, tried. */
function cheapest(costs, row = 0, taken = new Set()) {
  const left = costs.length - row;
  const free = costs[0].length - taken.size;
  if (!left || !free) return 0;
  const skipped = left > free ? cheapest(costs, row + 1, taken) : Infinity;
  const ways = costs[row].map((cost, j) => (taken.has(j) ? Infinity : cost + cheapest(costs, row + 1, new Set([...taken, j]))));
  return Math.min(skipped, ...ways);
}

test("a camera's probabilities are smoothed alike", () => {
  const smoother = new Smoother();
  const { frames, causal } = time.smoothings;
  frames.forEach(([time_s, rows], i) => {
    for (const [track, row] of Object.entries(rows)) near(smoother.update(track, time_s, row), causal[i][track], 1e-9, `${track} at ${time_s} s`);
  });
  assert.throws(() => smoother.update("0", 0, frames.at(-1)[1][0]), usage);
});

test("a file's probabilities are smoothed alike from both sides", () => {
  const { frames, two_sided } = time.smoothings;
  const seen = frames.filter(([, rows]) => rows[0]);
  const smoothed = smoothTwoSided(seen.map(([time_s]) => time_s), seen.map(([, rows]) => rows[0]));
  assert.equal(smoothed.length, two_sided.length);
  smoothed.forEach((row, i) => near(row, two_sided[i], 1e-9, `frame ${i}`));
  assert.deepEqual(smoothTwoSided([], []), []);
  assert.throws(() => smoothTwoSided([1, 0], [[1, 0], [1, 0]]), usage);
});

test("CSV and labels are Python's, to the letter", () => {
  assert.equal(toCsv(results.results), results.csv);
  assert.equal(toCsv(results.video), results.video_csv);
  for (const [face, text] of results.labels) assert.equal(label(face), text);
});
