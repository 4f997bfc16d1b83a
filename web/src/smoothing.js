// A face's probabilities over time: the equations of src/mien/inference/smoothing.py, where they are explained.

import { SMOOTHING } from "./constants.js";
import { MienError } from "./errors.js";

const { FLOOR, GAP_S, SLOW_S, FAST_S, EVIDENCE, LEAD, MOST, KERNEL_S } = SMOOTHING;

/** For cameras: each frame's smoothed probabilities come from it and those before, per track. */
export class Smoother {
  #states = new Map();

  /** The smoothed probabilities of a track's next frame. Throws MienError `usage` for a time before that of its last. */
  update(track, time_s, probs) {
    const x = logs(probs);
    for (const [key, state] of this.#states) if (time_s - state.time_s > GAP_S) this.#states.delete(key);
    const state = this.#states.get(track);
    if (state && time_s < state.time_s) throw backwards(time_s, state.time_s);
    if (state) follow(state, time_s, x);
    if (!state || Math.max(...state.evidence) > EVIDENCE) this.#states.set(track, begin(time_s, x));
    return shares(this.#states.get(track).mean);
  }
}

const begin = (time_s, x) => ({ time_s, age_s: 0, mean: x, evidence: x.map(() => 0) });

/** The average and the evidence after one more frame. */
function follow(state, time_s, x) {
  const dt = time_s - state.time_s;
  state.time_s = time_s;
  state.age_s += dt;
  const gain = 1 - Math.exp(-dt / Math.min(SLOW_S, FAST_S + state.age_s));
  state.mean = state.mean.map((mean, k) => mean + gain * (x[k] - mean));
  const top = state.mean.indexOf(Math.max(...state.mean));
  state.evidence = state.evidence.map((e, k) => Math.max(0, e + dt * (Math.min(x[k] - x[top], MOST) - LEAD)));
}

/**
 * For files: a whole track's probabilities, a row a frame, smoothed from both sides; frames more than GAP_S apart begin
 * anew. Throws MienError `usage` for times that go back.
 */
export function smoothTwoSided(times_s, probs) {
  const parts = [];
  times_s.forEach((time_s, i) => {
    if (i && time_s < times_s[i - 1]) throw backwards(time_s, times_s[i - 1]);
    if (!i || time_s - times_s[i - 1] > GAP_S) parts.push({ times_s: [], rows: [] });
    parts.at(-1).times_s.push(time_s);
    parts.at(-1).rows.push(logs(probs[i]));
  });
  return parts.flatMap((part) => smoothPart(part.times_s, part.rows));
}

/** Two sums that run forwards and backwards, each frame's share fading on the way; its own stands in both. */
function smoothPart(times_s, logRows) {
  const gaps = times_s.slice(1).map((time_s, i) => time_s - times_s[i]);
  const half = (gap) => Math.min(gap ?? 0, KERNEL_S) / 2;
  const rows = logRows.map((row, i) => {
    const weight = Math.max(half(gaps[i - 1]) + half(gaps[i]), 1e-3);
    return [weight, ...row.map((x) => weight * x)];
  });
  const before = run(gaps, rows);
  const after = run([...gaps].reverse(), [...rows].reverse()).reverse();
  return rows.map((own, i) => {
    const [total, ...sums] = own.map((value, k) => before[i][k] + after[i][k] - value);
    return shares(sums.map((sum) => sum / total));
  });
}

/** Each row and the ones before it, multiplied by exp(-gap / KERNEL_S) for every gap between. */
function run(gaps, rows) {
  const sums = [rows[0]];
  gaps.forEach((gap, i) => {
    const kept = Math.exp(-gap / KERNEL_S);
    sums.push(rows[i + 1].map((own, k) => kept * sums[i][k] + own));
  });
  return sums;
}

const logs = (probs) => Array.from(probs, (p) => Math.log((p + FLOOR) / (1 + probs.length * FLOOR)));

function shares(mean) {
  const most = Math.max(...mean);
  const raw = mean.map((m) => Math.exp(m - most));
  const scale = (1 + mean.length * FLOOR) / raw.reduce((sum, share) => sum + share, 0);
  return raw.map((share) => Math.max(0, scale * share - FLOOR));
}

const backwards = (time_s, last_s) =>
  new MienError("usage", `frame at ${time_s} s after one at ${last_s} s: expected frames in the order of their times.`);
