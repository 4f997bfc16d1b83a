// A video file's frames, each with its own time: decoded one by one where the browser can (WebCodecs), else as it plays.

import { ALL_FORMATS, BlobSource, EncodedPacketSink, Input, VideoSampleSink } from "mediabunny";

const problem = (code) => Object.assign(new Error(code), { code });
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
    Object.assign(this, { input, sink, first_s, duration_s, canvas: document.createElement("canvas") });
  }

  async *from(time_s) {
    for await (const sample of this.sink.samples(time_s)) yield this.#drawn(sample);
  }

  async at(time_s) {
    return this.#drawn(await this.sink.getSample(Math.max(time_s, this.first_s)));
  }

  close() {
    this.input.dispose?.();
  }

  /** The sample, upright; it is closed. */
  #drawn(sample) {
    const { displayWidth: width, displayHeight: height, timestamp: time_s } = sample;
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    sample.draw(this.canvas.getContext("2d"), 0, 0, width, height);
    sample.close();
    return { time_s, image: this.canvas };
  }
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
    });
    if (!video.videoWidth) throw problem("no-frames");
    return new PlayedFrames(video);
  }

  constructor(video) {
    Object.assign(this, { video, duration_s: video.duration, canvas: document.createElement("canvas") });
  }

  async *from(time_s) {
    yield await this.at(time_s);
    for (let next; (next = await this.#step()) !== null; ) yield this.#drawn(next);
  }

  async at(time_s) {
    const wanted_s = Math.max(time_s, 0);
    if (this.video.currentTime !== wanted_s) {
      const there = new Promise((done) => { this.video.onseeked = done; });
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
    return new Promise((done) => {
      const end = (time_s) => { clearTimeout(timer); this.video.pause(); done(time_s); };
      const timer = setTimeout(end, STALL_MS, null);
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
