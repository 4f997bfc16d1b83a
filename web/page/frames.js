// A video file's frames, each with its own time: decoded one by one where the browser can (WebCodecs), else as it plays.

import { ALL_FORMATS, BlobSource, EncodedPacketSink, Input, VideoSampleSink } from "mediabunny";
import { problem } from "./problem.js";

const STALL_MS = 3000;
const OPEN_MS = 20_000;

/**
 * {duration_s, from(time_s), at(time_s), close()} of a video file. from: an async iterator of the frames {time_s, image} from
 * there on, image a canvas that holds until the next; at: the one that is shown at a time.
 * Throws an error whose code the page has a sentence for: not-a-video, no-frames.
 */
export async function openFrames(file) {
  const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
  const decoded = await DecodedFrames.open(input).catch((error) => {
    if (error.code) throw error;
    return null; // a container or a codec that is not known here; the browser's own player may know it
  });
  return decoded ?? PlayedFrames.open(file);
}

class DecodedFrames {
  static async open(input) {
    if (!(await input.canRead())) return null;
    const track = await input.getPrimaryVideoTrack();
    if (!track) throw problem("no-frames");
    if (!(await new EncodedPacketSink(track).getFirstPacket())) throw problem("no-frames");
    if (!globalThis.VideoDecoder || !(await track.canDecode())) return null;
    return new DecodedFrames(input, new VideoSampleSink(track), await track.getFirstTimestamp(), await track.computeDuration());
  }

  constructor(input, sink, first_s, duration_s) {
    Object.assign(this, { input, sink, first_s, duration_s });
    this.played = document.createElement("canvas");
    this.sought = document.createElement("canvas"); // of its own: a frame is sought while another is still to be shown
  }

  async *from(time_s) {
    for await (const sample of this.sink.samples(time_s)) yield drawn(this.played, sample);
  }

  async at(time_s) {
    return drawn(this.sought, await this.sink.getSample(Math.max(time_s, this.first_s)));
  }

  close() {
    this.input.dispose?.();
  }
}

/** The sample, upright, on the canvas; it is closed. */
function drawn(canvas, sample) {
  const { displayWidth: width, displayHeight: height, timestamp: time_s } = sample;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  sample.draw(pen, 0, 0, width, height);
  sample.close();
  return { time_s, image: canvas };
}

/** What the browser's player shows, halted at each frame that it tells of; it may pass over some. */
class PlayedFrames {
  static async open(file) {
    const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, preload: "auto" });
    await new Promise((done, failed) => {
      video.onloadeddata = done;
      video.onerror = () => failed(problem("not-a-video"));
      setTimeout(() => failed(problem("not-a-video")), OPEN_MS);
      video.src = URL.createObjectURL(file);
    }).catch((error) => {
      URL.revokeObjectURL(video.src);
      throw error;
    });
    const frames = new PlayedFrames(video);
    if (video.videoWidth) return frames;
    frames.close();
    throw problem("no-frames");
  }

  constructor(video) {
    const duration_s = Number.isFinite(video.duration) ? video.duration : 0; // a recording may not know its own
    Object.assign(this, { video, duration_s, canvas: document.createElement("canvas") });
  }

  async *from(time_s) {
    yield await this.at(time_s);
    for (let next; (next = await this.#step()) !== null; ) yield this.#drawn(next);
  }

  async at(time_s) {
    const wanted_s = Math.max(time_s, 0);
    if (this.video.currentTime !== wanted_s) {
      const there = new Promise((done) => this.video.addEventListener("seeked", done, { once: true }));
      this.video.currentTime = wanted_s;
      await there;
    }
    return this.#drawn(this.video.currentTime);
  }

  close() {
    URL.revokeObjectURL(this.video.src);
    this.video.removeAttribute("src");
  }

  /** The time of the next frame, where it halts; null at the end. */
  #step() {
    if (this.video.ended) return Promise.resolve(null);
    return new Promise((done) => {
      let timer;
      const end = (time_s) => { clearTimeout(timer); this.video.pause(); done(time_s); };
      const wait = () => { timer = setTimeout(() => (document.hidden ? wait() : end(null)), STALL_MS); }; // hidden tabs get none
      wait();
      this.video.onended = () => end(null);
      if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback((_, { mediaTime }) => end(mediaTime));
      else this.video.ontimeupdate = () => end(this.video.currentTime);
      this.video.play().catch(() => end(null));
    });
  }

  #drawn(time_s) {
    Object.assign(this.canvas, { width: this.video.videoWidth, height: this.video.videoHeight });
    this.canvas.getContext("2d").drawImage(this.video, 0, 0);
    return { time_s, image: this.canvas };
  }
}
