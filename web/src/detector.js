// BlazeFace around its network: src/mien/inference/detector.py, step by step.
//
// A row is 17 numbers: a box's x, y, width and height, x and y of six landmarks, and the score.

import { DETECTOR } from "./constants.js";
import { reduce, resize, round } from "./pixels.js";

const { OVERLAP, REACH } = DETECTOR;

/** Float32Array of side² RGB, -1 to 1: the picture in the upper left, its longer side filling it, the rest black. */
export function letterbox(pixels, side) {
  const longest = Math.max(pixels.width, pixels.height);
  const [columns, rows] = [pixels.width, pixels.height].map((length) => Math.max(1, round((length * side) / longest)));
  const square = new Float32Array(side * side * 3).fill(-1);
  if (longest < 2 * side) {
    addOne(resize(pixels, columns, rows), square, side);
  } else {
    const blocks = longest >= 6 * side ? reduce(pixels, Math.floor(Math.floor(longest / side) / 3)) : pixels;
    addTwo(blocks, columns, rows, square, side);
  }
  return square;
}

/** The value of each sum of so many grey levels, by the same float32 steps as numpy's. */
const levels = (most, scale) => Float32Array.from({ length: most + 1 }, (_, sum) => Math.fround(sum * Math.fround(scale)) - 1);
const ONE = levels(255, 2 / 255);
const TWO = levels(510, 1 / 255);

function addOne({ data, width, height, channels }, square, side) {
  for (let y = 0, from = 0; y < height; y++)
    for (let x = 0, at = y * side * 3; x < width; x++, from += channels)
      for (let c = 0; c < 3; c++, at++) square[at] = ONE[data[from + (channels < 3 ? 0 : c)]];
}

/** Each pixel the sum of the first and the last of the four that stand evenly in its place. */
function addTwo({ data, width, height, channels }, columns, rows, square, side) {
  const [across, down] = [picked(width, columns), picked(height, rows)];
  for (let y = 0; y < rows; y++) {
    const [top, bottom] = [down[2 * y] * width, down[2 * y + 1] * width];
    for (let x = 0, at = y * side * 3; x < columns; x++) {
      const [first, last] = [(top + across[2 * x]) * channels, (bottom + across[2 * x + 1]) * channels];
      for (let c = 0; c < 3; c++, at++) {
        const channel = channels < 3 ? 0 : c;
        square[at] = TWO[data[first + channel] + data[last + channel]];
      }
    }
  }
}

/** 2 * count places, picked evenly from `length`. */
const picked = (length, count) => Int32Array.from({ length: 2 * count }, (_, i) => ((i + 0.5) * length) / (2 * count));

/** What is added to the network's values, [x, y] in shares of the side, for `[cells a side, anchors a cell]` grids. */
export function buildAnchors(grids) {
  return grids.flatMap(([cells, repeats]) =>
    Array.from({ length: cells * cells * repeats }, (_, i) => {
      const cell = Math.floor(i / repeats);
      return [(cell % cells) + 0.5, Math.floor(cell / cells) + 0.5].map((centre) => Math.fround(centre / cells));
    }),
  );
}

/** Rows of the outputs above the threshold, as shares of the side. raw: [n * 16]; logits: [n]. */
export function decode(raw, logits, anchors, side, threshold) {
  const least = Math.min(Math.max(threshold, 1e-9), 1 - 1e-9);
  const limit = Math.log(least / (1 - least));
  const rows = [];
  logits.forEach((logit, hit) => {
    if (logit < limit) return;
    const value = (i) => raw[hit * 16 + i] / side + (i === 2 || i === 3 ? 0 : anchors[hit][i % 2]);
    const [x, y, width, height, ...points] = Array.from({ length: 16 }, (_, i) => value(i));
    rows.push([x - width / 2, y - height / 2, width, height, ...points, 1 / (1 + Math.exp(-logit))]);
  });
  return rows;
}

/** Each face is the score-weighted mean of the rows that overlap its best, with the best's score; best first. */
export function suppress(found, overlap = OVERLAP) {
  let rest = [...found].sort((one, other) => other[16] - one[16]);
  const faces = [];
  while (rest.length) {
    const [best, ...others] = rest;
    const same = [best, ...others.filter((row) => iou(best, row) > overlap)];
    rest = others.filter((row) => !(iou(best, row) > overlap));
    const total = same.reduce((sum, row) => sum + row[16], 0);
    const mean = best.slice(0, 16).map((_, i) => same.reduce((sum, row) => sum + row[16] * row[i], 0) / total);
    faces.push([...mean, best[16]]);
  }
  return faces;
}

/** Intersection over union of two boxes, each beginning with x, y, width, height; 0 where both are empty. */
export function iou(one, other) {
  const width = Math.min(one[0] + one[2], other[0] + other[2]) - Math.max(one[0], other[0]);
  const height = Math.min(one[1] + one[3], other[1] + other[3]) - Math.max(one[1], other[1]);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / (one[2] * one[3] + other[2] * other[3] - width * height);
}

/** [left, top, side] of the squares in which a face of `least_px` is 1/REACH of the side; none if the picture is no larger. */
export function tiles({ width, height }, least_px) {
  const longest = Math.max(width, height);
  const side = Math.trunc(REACH * Math.max(least_px, 12));
  if (least_px <= 0 || side >= longest) return [];
  const step = side - Math.trunc(Math.min(longest / REACH, side / 2));
  const [lefts, tops] = [width, height].map((length) => starts(length - side, step));
  return tops.flatMap((top) => lefts.map((left) => [left, top, side]));
}

function starts(end, step) {
  const evenly = Array.from({ length: Math.max(0, Math.ceil(end / step)) }, (_, i) => i * step);
  return [...evenly, Math.max(end, 0)];
}

/** The part of a picture in a tile, which may reach beyond its right and lower edge. */
export function cut({ data, width, height, channels }, [left, top, side]) {
  const [columns, rows] = [Math.min(side, width - left), Math.min(side, height - top)];
  if (columns === width && rows === height) return { data, width, height, channels };
  const part = new Uint8ClampedArray(columns * rows * channels);
  for (let y = 0; y < rows; y++) {
    const from = ((top + y) * width + left) * channels;
    part.set(data.subarray(from, from + columns * channels), y * columns * channels);
  }
  return { data: part, width: columns, height: rows, channels };
}

/** A row in shares of a tile's side, in pixels of the picture. */
export function placed(row, [left, top, side]) {
  return row.map((value, i) => (i === 16 ? value : value * side + (i === 2 || i === 3 ? 0 : i % 2 ? top : left)));
}

/** Whether a row's box lies inside the tile: a face that the tile cuts is whole in another, or in the picture.
 *
 * A face that the picture's own edge cuts is whole nowhere else. */
export function isWhole(row, [left, top, side], { width, height }) {
  const within = (start, length, i) =>
    (start <= 0 || start < row[i]) && (start + side >= length || row[i] + row[i + 2] < start + side);
  return within(left, width, 0) && within(top, height, 1);
}

/** The six landmarks of a row. */
export const pointsOf = (row) => Array.from({ length: 6 }, (_, i) => [row[4 + 2 * i], row[5 + 2 * i]]);
