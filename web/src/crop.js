// From a found face to the 48x48 grey crop that the network was trained on: src/mien/inference/crop.py, step by step.
//
// A square is {left, top, side, turn_deg}, in pixels of the picture, turned clockwise about its centre.

import { CROP } from "./constants.js";
import { affine, luma, resize } from "./pixels.js";

const { FRAME, SIDE_PX, TURN_FROM_DEG } = CROP;
const LANDMARKS = FRAME.map(([x, y]) => [x - SIDE_PX / 2, y - SIDE_PX / 2]);
const OFFSET = mean(LANDMARKS);

/** The square that frames six landmarks [x, y] as FER2013 frames its faces, in the least-squares sense. */
export function faceSquare(points) {
  const middle = mean(points);
  let [real, imaginary, total] = [0, 0, 0];
  LANDMARKS.forEach((landmark, i) => {
    const [sx, sy] = minus(landmark, OFFSET);
    const [px, py] = minus(points[i], middle);
    real += sx * px + sy * py;
    imaginary += sx * py - sy * px;
    total += sx * sx + sy * sy;
  });
  const turn = [real / total, imaginary / total];
  const centre = minus(middle, [turn[0] * OFFSET[0] - turn[1] * OFFSET[1], turn[0] * OFFSET[1] + turn[1] * OFFSET[0]]);
  const side = Math.hypot(...turn) * SIDE_PX;
  const tilt_deg = (Math.atan2(turn[1], turn[0]) * 180) / Math.PI;
  const turn_deg = Math.abs(tilt_deg) > TURN_FROM_DEG ? tilt_deg : 0;
  return { left: centre[0] - side / 2, top: centre[1] - side / 2, side, turn_deg };
}

/** The square around a picture that is a face already. */
export function wholeSquare({ width, height }) {
  const side = Math.max(width, height);
  return { left: (width - side) / 2, top: (height - side) / 2, side, turn_deg: 0 };
}

/** That square of a picture as size² grey levels; what lies outside repeats the picture's edge. */
export function cropSquare(pixels, square, size = SIDE_PX) {
  return (square.turn_deg ? turned : upright)(pixels, square, size).data;
}

function upright(pixels, { left, top, side }, size) {
  const reach = Math.max(side / size, 1);
  const [lowX, lowY] = [Math.trunc(left - reach) - 1, Math.trunc(top - reach) - 1];
  const [highX, highY] = [Math.trunc(left + side + reach) + 2, Math.trunc(top + side + reach) + 2];
  const box = [left - lowX, top - lowY, left - lowX + side, top - lowY + side];
  return resize(region(pixels, lowX, lowY, highX, highY), size, size, box);
}

/** Those rows and columns in grey, the picture's edge repeated beyond it. */
function region({ data, width, height, channels }, left, top, right, bottom) {
  const grey = new Uint8ClampedArray((right - left) * (bottom - top));
  for (let y = top, at = 0; y < bottom; y++) {
    const row = Math.min(Math.max(y, 0), height - 1) * width;
    for (let x = left; x < right; x++, at++) {
      const from = (row + Math.min(Math.max(x, 0), width - 1)) * channels;
      grey[at] = channels < 3 ? data[from] : luma(data[from], data[from + 1], data[from + 2]);
    }
  }
  return { data: grey, width: right - left, height: bottom - top, channels: 1 };
}

/** The upright square half as large again, at twice the resolution, and from it the turned one by linear interpolation. */
function turned(pixels, { left, top, side, turn_deg }, size) {
  const halo = upright(pixels, { left: left - side / 4, top: top - side / 4, side: side * 1.5 }, 3 * size);
  const angle = turn_deg * (Math.PI / 180);
  const [real, imaginary] = [2 * Math.cos(angle), 2 * Math.sin(angle)];
  const start = [1.5 * size - ((real - imaginary) * size) / 2, 1.5 * size - ((real + imaginary) * size) / 2];
  return affine(halo, [real, -imaginary, start[0], imaginary, real, start[1]], size);
}

function mean(points) {
  return [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
}

function minus(one, other) {
  return [one[0] - other[0], one[1] - other[1]];
}
