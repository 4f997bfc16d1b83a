// Pixels to results: the recogniser, and for streams the follower and the smoother, as in Python.

import { Follower } from "./recognizer/follow.js";
import { Recognizer } from "./recognizer/recognizer.js";
import { Smoother, smoothTwoSided } from "./recognizer/smoothing.js";

/** Canvases of some phones hold no more; larger pictures are analysed from a copy that is as large. */
export const MOST_CANVAS_PIXELS = 16e6;
const MOST_FRAME_PX = 2048; // the longer side of a stream's frames; larger ones are reduced by the browser, which is quick

export class Analyser {
  constructor(recognizer) {
    this.recognizer = recognizer;
    this.emotions = recognizer.emotions;
    this.scratch = document.createElement("canvas");
    this.pen = this.scratch.getContext("2d", { willReadFrequently: true });
  }

  static async load(base, onProgress) {
    return new Analyser(await Recognizer.load({ base, onProgress }));
  }

  /** A still picture: anything that a canvas draws. */
  async picture(image, options = {}) {
    const { width, height } = image;
    const pixels = this.pixels(image, Math.sqrt(MOST_CANVAS_PIXELS / (width * height)));
    return this.recognizer.predict(pixels, { width, height, ...options });
  }

  /** A new stream. every: search each so-many-th frame; null: as often as the faces' pace asks for. */
  stream(every = null) {
    return new Stream(this, every);
  }

  /** All results of a file, in the order of time, smoothed from both sides. */
  smoothed(results) {
    const rows = new Map();
    for (const seen of byTrack(results).values()) {
      const smooth = smoothTwoSided(seen.map(({ time_s }) => time_s), seen.map(({ face }) => this.row(face.probs)));
      seen.forEach(({ face }, i) => rows.set(face, smooth[i]));
    }
    return results.map((result) => ({ ...result, faces: result.faces.map((face) => this.told(face, rows.get(face))) }));
  }

  /** The image's pixels, reduced where scale is below 1. */
  pixels(image, scale) {
    const [width, height] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * Math.min(1, scale))));
    if (this.scratch.width !== width || this.scratch.height !== height) Object.assign(this.scratch, { width, height });
    this.pen.clearRect(0, 0, width, height);
    this.pen.drawImage(image, 0, 0, width, height);
    return this.pen.getImageData(0, 0, width, height);
  }

  row(probs) {
    return this.emotions.map((name) => probs[name]);
  }

  /** The face as its smoothed probabilities tell of it. */
  told(face, row) {
    const smoothed = Object.fromEntries(this.emotions.map((name, i) => [name, row[i]]));
    const confidence = Math.max(...row);
    return { ...face, smoothed, emotion: this.emotions[row.indexOf(confidence)], confidence, ambiguous: confidence < this.recognizer.setThreshold };
  }
}

/** One camera or file. Ask it for one frame after the other. */
class Stream {
  #most = 0;

  constructor(analyser, every) {
    Object.assign(this, { analyser, every });
    this.restart();
  }

  /** The next frame at its time in seconds, with its faces' tracks; options as of Recognizer.predict. Wound back: new numbers. */
  async frame(image, options) {
    const { time_s } = options;
    if (time_s < this.last_s) this.restart();
    this.last_s = time_s;
    const { width, height } = image;
    const pixels = this.analyser.pixels(image, MOST_FRAME_PX / Math.max(width, height));
    const asked = { width, height, ...options };
    const found = this.follower.wants(time_s) ? await this.analyser.recognizer.search(pixels, asked) : null;
    const seen = found ? this.follower.settle(time_s, found) : this.follower.expect(time_s);
    const numbered = seen.map((face) => ({ ...face, number: this.before + face.number }));
    this.#most = Math.max(this.#most, ...numbered.map(({ number }) => number));
    return this.analyser.recognizer.answer(pixels, numbered, asked);
  }

  /** The same result smoothed over those before it. */
  smoothed(result) {
    const row = (face) => this.smoother.update(face.track, result.time_s, this.analyser.row(face.probs));
    return { ...result, faces: result.faces.map((face) => this.analyser.told(face, row(face))) };
  }

  /** Whoever is seen from now on is somebody else, under a new number. */
  restart() {
    this.before = this.#most;
    this.follower = new Follower(this.every);
    this.smoother = new Smoother();
    this.last_s = -Infinity;
  }
}

/** Map: a track's number -> its sightings {time_s, face}, in the results' order. */
export function byTrack(results) {
  const tracks = new Map();
  for (const { time_s, faces } of results) {
    for (const face of faces) {
      if (!tracks.has(face.track)) tracks.set(face.track, []);
      tracks.get(face.track).push({ time_s, face });
    }
  }
  return tracks;
}
