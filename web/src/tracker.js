// Which face is which from frame to frame: the equations of src/mien/inference/tracker.py, where they are explained.

import { TRACKER } from "./constants.js";
import { MienError } from "./errors.js";

const { SPEED, KEEP_S, NOISE, TAIL, AWAY, LIMIT, MEMORY_S, TIE } = TRACKER;

/** One face: when it was last seen, and what is expected of it at `time_s`: four values, their rates, one covariance. */
class Track {
  constructor(number, time_s, measured) {
    Object.assign(this, { number, seen_s: time_s, seen: measured, time_s, value: [...measured], rate: [0, 0, 0, 0] });
    Object.assign(this, { a: NOISE ** 2, b: 0, c: SPEED ** 2, found: true });
  }

  advance(time_s) {
    const dt = time_s - this.time_s;
    const { a, b, c } = this;
    const e = Math.exp(-dt / KEEP_S);
    const g = KEEP_S * (1 - e);
    this.time_s = time_s;
    this.value = this.value.map((value, i) => value + g * this.rate[i]);
    this.rate = this.rate.map((rate) => e * rate);
    this.a = a + 2 * g * b + g * g * c + (SPEED * KEEP_S) ** 2 * ((2 * dt) / KEEP_S - 3 + 4 * e - e * e);
    this.b = e * (b + g * c) + SPEED ** 2 * KEEP_S * (1 - e) ** 2;
    this.c = e * e * c + SPEED ** 2 * (1 - e * e);
  }

  cost(measured) {
    const [x, y, width, height] = measured.map((value, i) => value - this.value[i]);
    const spread = this.a + NOISE ** 2;
    const distance = (x * x + y * y) / Math.exp(this.value[2] + this.value[3]) + width * width + height * height;
    const cost = (TAIL + 4) * Math.log(1 + distance / (TAIL * spread)) + 4 * Math.log(spread / NOISE ** 2);
    return Math.min(this.found ? cost : cost + AWAY, LIMIT);
  }

  correct(measured) {
    const spread = this.a + NOISE ** 2;
    for (let i = 0; i < 4; i++) {
      const error = measured[i] - this.value[i];
      this.value[i] += (this.a / spread) * error;
      this.rate[i] += (this.b / spread) * error;
    }
    this.c -= (this.b * this.b) / spread;
    this.b *= 1 - this.a / spread;
    this.a *= 1 - this.a / spread;
    Object.assign(this, { seen: measured, seen_s: this.time_s, found: true });
  }

  /** Its latest box as it was found, moved and scaled on at its rates. */
  boxAt(time_s) {
    const gone_s = KEEP_S * (1 - Math.exp(-(time_s - this.time_s) / KEEP_S));
    const [x, y, ...size] = this.seen.map((seen, i) => seen + gone_s * this.rate[i]);
    const [width, height] = size.map(Math.exp);
    return [x - width / 2, y - height / 2, width, height];
  }
}

/** Numbers the faces of one clip or camera. */
export class Tracker {
  #tracks = [];
  #count = 0;
  #time_s = -Infinity;

  /**
   * Boxes [x, y, width, height] found in a frame, not clipped to it -> the number of each one's face, from 1, none twice.
   * Throws MienError `usage` for a time before that of the latest call, or a box without a size.
   */
  update(time_s, boxes) {
    this.#check(time_s);
    this.#time_s = time_s;
    this.#tracks = this.#tracks.filter((track) => time_s - track.seen_s <= MEMORY_S);
    for (const track of this.#tracks) track.advance(time_s);
    const found = boxes.map(measure);
    const owners = this.#match(found);
    for (const track of this.#tracks) track.found = false;
    found.forEach((measured, j) => owners[j]?.correct(measured));
    return found.map((measured, j) => owners[j]?.number ?? this.#begin(measured));
  }

  /** Of the faces found in the latest `update` the fastest's way and growth: sides and natural logarithms a second. */
  pace() {
    const found = this.#tracks.filter((track) => track.found);
    return Math.max(0, ...found.map(({ value, rate }) => Math.hypot(rate[0], rate[1]) / Math.exp((value[2] + value[3]) / 2) + Math.abs(rate[2])));
  }

  /**
   * Map: number -> [x, y, width, height] in px at a time without detection, of the faces found in the latest `update`.
   * Throws MienError `usage` for a time before that.
   */
  boxesAt(time_s) {
    this.#check(time_s);
    return new Map(this.#tracks.filter((track) => track.found).map((track) => [track.number, track.boxAt(time_s)]));
  }

  #check(time_s) {
    if (!(time_s >= this.#time_s) || time_s === Infinity)
      throw new MienError("usage", `frame at ${time_s} s after one at ${this.#time_s} s: expected frames in the order of their times.`);
  }

  #match(found) {
    const owners = found.map(() => null);
    if (!found.length || !this.#tracks.length) return owners;
    const costs = this.#tracks.map((track) => found.map((measured) => track.cost(measured)));
    for (const [i, j] of assign(costs.map((row, i) => row.map((cost, j) => cost + TIE * (i - j) ** 2))))
      if (costs[i][j] < LIMIT) owners[j] = this.#tracks[i];
    return owners;
  }

  #begin(measured) {
    this.#tracks.push(new Track(++this.#count, this.#time_s, measured));
    return this.#count;
  }
}

function measure([x, y, width, height]) {
  if (!(Number.isFinite(x + y + width + height) && Math.min(width, height) > 0))
    throw new MienError("usage", `box ${[x, y, width, height]}: expected x, y, width and height in pixels, the last two above 0.`);
  return [x + width / 2, y + height / 2, Math.log(width), Math.log(height)];
}

/** Pairs [row, column] with the least sum of costs: shortest augmenting paths (Jonker and Volgenant 1987). */
export function assign(costs) {
  const flipped = costs.length > costs[0].length; // there must be a column for each row
  const table = flipped ? costs[0].map((_, j) => costs.map((row) => row[j])) : costs;
  const owners = assignRows(table);
  return owners.flatMap((row, column) => (row < 0 ? [] : [flipped ? [column, row] : [row, column]]));
}

/** The row of each column, -1 where it has none; potentials keep all reduced costs at 0 or more. */
function assignRows(table) {
  const width = table[0].length;
  const owners = new Array(width).fill(-1);
  const potentials = { rows: table.map(() => 0), columns: new Array(width).fill(0) };
  table.forEach((_, row) => {
    const { way, end } = shortestPath(table, row, owners, potentials);
    for (let column = end; column >= 0; column = way[column]) owners[column] = way[column] < 0 ? row : owners[way[column]];
  });
  return owners;
}

/** The cheapest way from a row to a free column, by columns whose rows would move on; way: the column before each, or -1. */
function shortestPath(table, start, owners, { rows, columns }) {
  const [least, way, done] = [owners.map(() => Infinity), owners.map(() => -1), owners.map(() => false)];
  for (let row = start, from = -1, far = 0; ; ) {
    for (const [j, cost] of table[row].entries()) {
      const way_far = far + cost - rows[row] - columns[j];
      if (!done[j] && way_far < least[j]) [least[j], way[j]] = [way_far, from];
    }
    from = nearest(least, done);
    far = least[from];
    done[from] = true;
    row = owners[from];
    if (row < 0) {
      rows[start] += far;
      done.forEach((is, j) => {
        if (!is || j === from) return;
        rows[owners[j]] += far - least[j];
        columns[j] -= far - least[j];
      });
      return { way, end: from };
    }
  }
}

function nearest(least, done) {
  let best = -1;
  least.forEach((far, j) => {
    if (!done[j] && (best < 0 || far < least[best])) best = j;
  });
  return best;
}
