// The faces of a camera where not every frame is searched: the equations of src/mien/inference/follow.py.

import { FOLLOW } from "./constants.js";
import { MienError } from "./errors.js";
import { Tracker } from "./tracker.js";

const { LONGEST_S, PACE } = FOLLOW;

/** Numbers the faces, says which frames to search, and where the faces are expected in those between. */
export class Follower {
  #every;
  #tracker = new Tracker();
  #last = new Map();
  #asked = 0;
  #gap_s = 0;
  #searched_s = -Infinity;

  /** every: search each so-many-th frame; null: as often as the faces' pace asks for. Throws MienError `usage`. */
  constructor(every = null) {
    if (every !== null && !(every >= 1)) throw new MienError("usage", `every = ${every}: expected null or at least 1.`);
    this.#every = every;
  }

  /** Whether to search this frame; asked once a frame, in order. */
  wants(time_s) {
    const due = this.#every === null ? time_s - this.#searched_s > this.#gap_s - 1e-6 : this.#asked % this.#every === 0;
    this.#asked++;
    if (due) this.#searched_s = time_s;
    return due;
  }

  /** What a search gave, [{square, score}] -> the same with each face's number, by number. */
  settle(time_s, found) {
    const numbers = this.#tracker.update(time_s, found.map(({ square: { left, top, side } }) => [left, top, side, side]));
    const faces = found.map((face, i) => ({ ...face, number: numbers[i] })).sort((one, other) => one.number - other.number);
    this.#last = new Map(faces.map((face) => [face.number, face]));
    this.#gap_s = Math.min(LONGEST_S, PACE / Math.max(this.#tracker.pace(), 1e-9));
    return faces;
  }

  /** The faces at a time after the last search, from that and those before alone. */
  expect(time_s) {
    const boxes = this.#tracker.boxesAt(time_s);
    return [...this.#last.values()]
      .filter(({ number }) => boxes.has(number))
      .map((face) => ({ ...face, square: squareOf(boxes.get(face.number), face.square.turn_deg) }));
  }
}

function squareOf([x, y, width, height], turn_deg) {
  const side = Math.sqrt(width * height);
  return { left: x + (width - side) / 2, top: y + (height - side) / 2, side, turn_deg };
}
