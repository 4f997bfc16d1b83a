// A video file: every frame analysed, played again from what is known, sought, and drawn as a timeline of its faces.

import { byTrack } from "./analyser.js";
import { drawStack } from "./cards.js";
import { button, chooser, rename } from "./elements.js";
import { settings } from "./settings.js";
import { View } from "./view.js";

const SAME_S = 1e-4;
const BAND_PX = 44;
const MOST_BANDS = 6;
const DRAWN_SHARE = 0.05; // of the time while it runs

/** One file: its frames and what is known of them. Another file, or another beginning of the same, is another Clip. */
class Clip {
  results = new Map(); // time in units of SAME_S -> {raw, live}; of what `final` has, raw alone
  final = new Map(); // key -> result, smoothed from both sides over what was known when it was asked for
  time_s = -Infinity;
  ended = false;
  work = Promise.resolve(); // looks come one after another

  constructor(name, frames, stream) {
    Object.assign(this, { name, frames, stream, threshold: settings.threshold });
  }

  /** Does it after what is under way. */
  next(act) {
    const done = this.work.then(act);
    this.work = done.catch(() => {});
    return done;
  }

  async look(time_s, image) {
    const at = key(time_s);
    if (!this.results.has(at)) {
      const raw = await this.stream.frame(image, { time_s, source: this.name, threshold: this.threshold });
      this.results.set(at, { raw, live: this.stream.smoothed(raw) });
    }
    this.time_s = time_s;
    return at;
  }

  shown(at) {
    const { raw, live } = this.results.get(at);
    return settings.smooth ? this.final.get(at) ?? live : raw;
  }

  /** In the order of time, numbered. raw: as each frame alone says; else as it was seen live, or better where all is known. */
  ordered(raw) {
    const keys = [...this.results.keys()].sort((one, other) => one - other);
    return keys.map((at, frame) => ({ ...(raw ? this.results.get(at).raw : this.shown(at)), frame }));
  }

  /** All results, smoothed from both sides where smoothing is chosen, as for files in Python. */
  finish(analyser) {
    if (!settings.smooth) return this.ordered(true);
    const smoothed = analyser.smoothed(this.ordered(true));
    this.final = new Map(smoothed.map((result) => [key(result.time_s), result]));
    for (const seen of this.results.values()) seen.live = null;
    return smoothed;
  }
}

export class VideoView extends View {
  #clip = null;
  #run = null;
  #opening = null;

  constructor(app) {
    super(app);
    this.input = chooser("video/*", (files) => this.take(files));
    this.slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 1, step: 0.001, value: 0, id: "position" });
    this.slider.dataset.label = "position";
    this.slider.oninput = () => this.seek(Number(this.slider.value));
    this.choose = button("chooseVideo", () => this.input.click(), { className: "primary" });
    this.toggle = button("play", () => (this.#run ? this.pause() : this.play()), { id: "play" });
    this.canvas = document.getElementById("timeline");
    this.canvas.onclick = ({ offsetX }) => this.seek((offsetX / this.canvas.clientWidth) * this.#clip.frames.duration_s);
    new ResizeObserver(() => this.#drawTimeline()).observe(document.getElementById("stage"));
  }

  enter() {
    this.app.controls(this.choose, this.toggle, this.slider);
    this.#arrange();
    if (this.#clip && this.#clip.threshold !== settings.threshold) this.changed("threshold");
    else if (this.#clip) this.#seek(this.#clip.time_s);
    else this.message("readyVideo", {}, ["chooseVideo", () => this.input.click()]);
  }

  leave() {
    this.#run = null;
    this.#arrange();
  }

  /** Other settings or words: another threshold needs another look at all frames. */
  changed(key) {
    if (!this.#clip) return;
    if (key === "threshold") {
      const { name, frames } = this.#clip;
      this.leave();
      this.#clip = new Clip(name, frames, this.analyser.stream(1));
      this.#seek(0);
    } else if (!this.#run) this.#seek(this.#clip.time_s);
  }

  get count() {
    return this.#clip?.results.size ?? 0;
  }

  results() {
    return this.#clip?.finish(this.analyser) ?? [];
  }

  clear() {
    this.leave();
    this.#clip?.frames.close();
    this.#clip = this.#opening = null;
    this.canvas.hidden = true;
    this.app.blank();
    this.enter();
  }

  async take([file]) {
    this.clear();
    const opening = (this.#opening = {});
    this.message("working", { name: file.name });
    try {
      this.analyser = await this.app.analyser(this, () => this.#opening === opening);
    } catch (error) {
      if (this.#opening === opening) this.fail(error, {}, () => this.take([file]));
      return;
    }
    try {
      const { openFrames } = await import("./frames.js");
      const frames = await openFrames(file);
      if (this.#opening !== opening) return frames.close();
      this.#clip = new Clip(file.name, frames, this.analyser.stream(1)); // as `mien video --detect-every 1`
    } catch (error) {
      if (this.#opening === opening) this.app.failures(this, [[error, { name: file.name }]]);
      return;
    }
    this.slider.max = this.#clip.frames.duration_s;
    if (this.open) await this.play();
  }

  /** Goes on from where it stands, or from the beginning after the end; what is known is shown at its own pace. */
  async play() {
    const clip = this.#clip;
    const run = (this.#run = {});
    this.#arrange();
    const from_s = clip.ended ? -Infinity : clip.wanted ?? clip.time_s;
    clip.ended = false;
    let clock = null; // of the known frames in a row, which keep pace with their first
    try {
      for await (const frame of clip.frames.from(from_s)) {
        if (clip.results.has(key(frame.time_s))) {
          clock ??= { at_ms: performance.now(), time_s: frame.time_s };
          await until(clock.at_ms + (frame.time_s - clock.time_s) * 1000);
        } else clock = null;
        if (this.#run !== run) return;
        await clip.next(() => this.#look(clip, frame));
        if (performance.now() > (this.draws_ms ?? 0)) this.#drawTimeline();
      }
      clip.ended = true;
    } catch (error) {
      if (this.#run === run) this.fail(error, { name: clip.name });
    }
    if (this.#run === run) this.pause();
  }

  pause() {
    this.leave();
    this.#clip?.finish(this.analyser);
    this.#drawTimeline();
  }

  /** The user wants the frame of that time. */
  seek(time_s) {
    if (!this.#clip) return;
    if (this.#run) this.pause();
    this.#clip.ended = false;
    this.#seek(time_s);
  }

  /** Shows the frame of that time; while one is sought, later wishes wait, and only the last of them is met. */
  #seek(time_s) {
    const clip = this.#clip;
    const waits = clip.wanted !== undefined;
    clip.wanted = Math.max(time_s, 0);
    if (waits) return;
    clip.next(async () => {
      const wanted_s = clip.wanted;
      clip.wanted = undefined;
      if (this.#clip !== clip) return;
      await this.#look(clip, await clip.frames.at(wanted_s));
      this.#drawTimeline();
    }).catch((error) => this.#clip === clip && this.fail(error, { name: clip.name }));
  }

  /** Shows a frame with its faces, which are looked for once. */
  async #look(clip, { time_s, image }) {
    const at = await clip.look(time_s, image);
    if (this.#clip !== clip) return;
    this.show(image, clip.shown(at), { stream: true });
    if (document.activeElement !== this.slider || this.#run) this.slider.value = time_s;
  }

  #arrange() {
    for (const element of [this.toggle, this.slider]) element.hidden = !this.#clip;
    this.choose.classList.toggle("primary", !this.#clip);
    rename(this.toggle, this.#run ? "pause" : "play");
  }

  /** A band for each of the tracks that are longest in view, over the whole video. */
  #drawTimeline() {
    if (!this.open || !this.#clip) return;
    const start_ms = performance.now();
    const longest = [...byTrack(this.#clip.ordered(false)).values()].sort((one, other) => other.length - one.length).slice(0, MOST_BANDS);
    this.canvas.hidden = !longest.length;
    if (this.canvas.hidden) return;
    Object.assign(this.canvas, { width: this.canvas.clientWidth || 600, height: BAND_PX * longest.length });
    longest.sort((one, other) => one[0].face.track - other[0].face.track).forEach((seen, i) => {
      const history = seen.map(({ time_s, face }) => ({ time_s, probs: face.smoothed ?? face.probs }));
      drawStack(this.canvas, history, this.analyser.emotions, 0, this.#clip.frames.duration_s, i * BAND_PX, BAND_PX - 6);
    });
    const now_ms = performance.now();
    this.draws_ms = now_ms + Math.max(300, (now_ms - start_ms) / DRAWN_SHARE);
  }
}

const key = (time_s) => Math.round(time_s / SAME_S);
const until = (at_ms) => new Promise((done) => setTimeout(done, Math.max(0, at_ms - performance.now())));
