// Pixels to results where they are, nothing sent: find the faces, crop them, classify them. No DOM in here.
//
// Pixels are {data, width, height}, as ImageData: 8 bit, RGBA, RGB or grey, by the length of `data`.

import { EMOTIONS, SCHEMA, WORKING_SIDE_PX } from "./constants.js";
import { cropSquare, faceSquare, wholeSquare } from "./crop.js";
import { buildAnchors, cut, decode, isWhole, letterbox, placed, pointsOf, suppress, tiles } from "./detector.js";
import { Network, fetchJson, loadRuntime } from "./engine.js";
import { MienError } from "./errors.js";
import { onWhite, round, shrink } from "./pixels.js";

/**
 * The shipped network and detector. It answers as mien does in Python.
 *
 *     const recognizer = await Recognizer.load({ base: new URL("./", import.meta.url) });
 *     const result = await recognizer.predict(context.getImageData(0, 0, width, height));
 *
 * emotions: in the order of `classify`; setThreshold: a face whose confidence is less is ambiguous; model: name and sha256.
 */
export class Recognizer {
  #classifier;
  #detector;
  #facts;
  #labels;

  /**
   * base: address of the folder with weights/; litert: of LiteRT's wasm files, litert/wasm/ in there if not given.
   * detector: full_range, or short_range for selfies. onProgress: called with the share of the parts that are there.
   * Throws MienError (errors.js).
   */
  static async load({ base, litert, detector = "full_range", onProgress = () => {} }) {
    const folder = new URL(base, globalThis.location?.href);
    const at = (path) => new URL(path, folder);
    let done = 0;
    const counted = (part) => part.then((value) => (onProgress(++done / 5), value));
    const runtime = counted(loadRuntime(litert ? new URL(litert, folder) : at("litert/wasm/")));
    runtime.catch(() => {}); // it is awaited with the networks, which may not come to it
    const json = ["weights/mien/model.json", "weights/blazeface/detectors.json"];
    const [meta, known] = await Promise.all(json.map((path) => counted(fetchJson(at(path)))));
    if (!Object.hasOwn(known, detector))
      throw new MienError("usage", `unknown detector ${JSON.stringify(detector)}. Known: ${Object.keys(known).sort().join(", ")}.`);
    const files = { "weights/mien/model.tflite": meta.files["model.tflite"], [`weights/blazeface/${known[detector].file}`]: known[detector].sha256 };
    const networks = await Promise.all(Object.entries(files).map(([path, sha256]) => counted(Network.load(at(path), sha256, runtime))));
    return new Recognizer(meta, known[detector], ...networks);
  }

  constructor(meta, { input_px, grids }, classifier, detector) {
    this.#classifier = classifier;
    this.#detector = detector;
    this.#facts = { side_px: input_px, anchors: buildAnchors(grids) };
    this.#labels = meta.labels;
    this.emotions = EMOTIONS;
    this.setThreshold = meta.set_threshold;
    this.model = { name: meta.name, sha256: meta.files["model.tflite"] };
  }

  /**
   * The faces of one picture, as docs/contract.md lays a result down. Beside it (not in JSON, nor in a copy by `...`) stands
   * `squares`: of each face the square that it was cropped from, {left, top, side, turn_deg}, not clipped, for a Tracker.
   *
   * threshold: least detector score, 0 to 1. min_face_px: look for faces down to this size, which takes longer, and leave
   * out smaller ones; 0 looks at the whole picture once. max_faces: only so many, best score first. width, height: the full
   * size in pixels, where `image` is a smaller copy: boxes are given in its pixels. source, frame, time_s: go into the result.
   */
  async predict(image, options = {}) {
    const picture = prepare(image, options);
    return this.#answer(picture, await this.#search(picture), options);
  }

  /** The faces alone, [{square, score}], best first, as `predict` finds them: for a Follower (follow.js). Options as there. */
  async search(image, options = {}) {
    const picture = prepare(image, options);
    return (await this.#search(picture)).map(({ square, score }) => ({ square: scaled(square, 1 / picture.scale), score }));
  }

  /**
   * As `predict`, of faces that are known: [{square, score, number}], squares as in `squares`; number: goes into `track`. One
   * that has no pixel in common with the picture is left out. Options as in `predict`.
   */
  async answer(image, faces, options = {}) {
    const picture = prepare(image, options);
    return this.#answer(picture, faces.map((face) => ({ ...face, square: scaled(face.square, picture.scale) })), options);
  }

  /** Faces already cropped, pixels of any size -> calibrated probabilities, an array of eight a face, in EMOTIONS' order. */
  async classify(crops) {
    const rows = [];
    for (const crop of crops) {
      const [probs] = await this.#classifier.run(Float32Array.from(fitted(crop)));
      rows.push(EMOTIONS.map((name) => probs[this.#labels.indexOf(name)] ?? 0));
    }
    return rows;
  }

  /** Frees the networks' memory; it answers nothing after that. */
  delete() {
    this.#classifier.delete();
    this.#detector.delete();
  }

  /** Squares in pixels of the working copy. */
  async #search({ pixels, scale, threshold, min_face_px, max_faces, width, height }) {
    const least_px = min_face_px * scale;
    return (await this.#detect(pixels, threshold, least_px))
      .map((row) => ({ square: faceSquare(pointsOf(row)), score: row[16] }))
      .filter(({ square }) => square.side >= Math.max(least_px, 1) && boxOf(square, scale, width, height))
      .slice(0, max_faces);
  }

  async #answer({ pixels, scale, width, height }, faces, { source = "<image>", frame = 0, time_s = 0 }) {
    const located = faces.map((face) => ({ ...face, box: boxOf(face.square, scale, width, height) })).filter(({ box }) => box);
    const probs = await this.classify(located.map(({ square }) => ({ ...GREY, data: cropSquare(pixels, square) })));
    const shown = located.map(({ box, score, number }, i) => this.#face(box, score, number ?? null, probs[i]));
    const result = { schema: SCHEMA, source, frame, time_s, width, height, model: this.model, faces: shown, error: null };
    return Object.defineProperty(result, "squares", { value: located.map(({ square }) => scaled(square, 1 / scale)) });
  }

  /** Rows (detector.js) of the picture's faces, best first. */
  async #detect(pixels, threshold, least_px) {
    const whole = [0, 0, Math.max(pixels.width, pixels.height)];
    let found = await this.#look(pixels, threshold, whole);
    for (const tile of tiles(pixels, least_px))
      found = found.concat((await this.#look(pixels, threshold, tile)).filter((row) => isWhole(row, tile, pixels)));
    return suppress(found);
  }

  async #look(pixels, threshold, tile) {
    const { side_px, anchors } = this.#facts;
    const outputs = await this.#detector.run(letterbox(cut(pixels, tile), side_px));
    const [raw, logits] = outputs.sort((one, other) => other.length - one.length);
    return decode(raw, logits, anchors, side_px, threshold).map((row) => placed(row, tile));
  }

  #face(box, score, track, row) {
    const confidence = Math.max(...row);
    const emotion = EMOTIONS[row.indexOf(confidence)];
    const probs = Object.fromEntries(EMOTIONS.map((name, i) => [name, row[i]]));
    return { box, score, track, emotion, confidence, ambiguous: confidence < this.setThreshold, probs, smoothed: null };
  }
}

const GREY = { width: 48, height: 48 };

/** Options with their defaults, and the working copy of the pixels; scale: its pixels for one of the picture's. */
function prepare(image, options) {
  const { threshold = 0.5, min_face_px = 0, max_faces = Infinity } = options;
  checkOptions({ threshold, min_face_px, max_faces });
  const whole = checkPixels(image);
  const pixels = onWhite(min_face_px ? whole : shrink(whole, WORKING_SIDE_PX));
  const { width, height } = { ...whole, ...sizeOf(options) };
  const scale = Math.max(pixels.width, pixels.height) / Math.max(width, height);
  return { threshold, min_face_px, max_faces, pixels, width, height, scale };
}

/** Pixels with their number of channels. Throws MienError not-pixels. */
function checkPixels(image) {
  const { data, width, height } = image ?? {};
  const channels = data?.length / (width * height);
  if (!ArrayBuffer.isView(data) || data.BYTES_PER_ELEMENT !== 1 || ![1, 3, 4].includes(channels))
    throw new MienError(
      "not-pixels",
      `expected {data, width, height} as ImageData, with 1, 3 or 4 bytes a pixel; got ${data?.length ?? "no"} bytes for ${width}x${height}.`,
    );
  return { data, width, height, channels };
}

function checkOptions({ threshold, min_face_px, max_faces }) {
  const ranges = {
    [`threshold = ${threshold}, expected 0 to 1`]: threshold >= 0 && threshold <= 1,
    [`min_face_px = ${min_face_px}, expected 0 or more`]: min_face_px >= 0,
    [`max_faces = ${max_faces}, expected at least 1`]: max_faces >= 1,
  };
  for (const [problem, holds] of Object.entries(ranges)) if (!holds) throw new MienError("usage", `${problem}.`);
}

/** The full size, where it is given. */
const sizeOf = ({ width, height }) => (width && height ? { width, height } : {});

const scaled = ({ left, top, side, turn_deg }, by) => ({ left: left * by, top: top * by, side: side * by, turn_deg });

/** A square as a box in whole pixels of the full size, clipped to it; null where they have no pixel in common. */
function boxOf(square, scale, width, height) {
  const [x, y, side] = [square.left, square.top, square.side].map((value) => round(value / scale));
  const [right, bottom] = [Math.min(x + side, width), Math.min(y + side, height)];
  const [left, top] = [Math.max(x, 0), Math.max(y, 0)];
  return right > left && bottom > top ? { x: left, y: top, width: right - left, height: bottom - top } : null;
}

/** One face to 48x48 grey levels. */
function fitted(crop) {
  const pixels = checkPixels(crop);
  const fits = pixels.channels === 1 && pixels.width === GREY.width && pixels.height === GREY.height;
  if (fits) return pixels.data;
  const small = onWhite(shrink(pixels, WORKING_SIDE_PX));
  return cropSquare(small, wholeSquare(small));
}
