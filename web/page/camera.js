// A camera: opened, switched, lit, stopped; what goes wrong becomes a code that the page has a sentence for.

import { problem } from "./problem.js";

const CODES = {
  NotAllowedError: "camera-refused", SecurityError: "camera-refused", NotFoundError: "no-camera", OverconstrainedError: "no-camera",
  NotReadableError: "camera-busy", AbortError: "camera-busy",
};
const GONE = ["NotFoundError", "OverconstrainedError"];

export class Camera {
  #wish = null; // the latest start or stop; what an earlier one gets is given back

  constructor(video) {
    this.video = video;
    this.facing = "user";
    this.resolution = "640x480";
  }

  get running() {
    return Boolean(this.stream);
  }

  /** The front one is shown as in a mirror. */
  get mirrored() {
    const facing = this.track?.getSettings?.().facingMode;
    return facing ? facing === "user" : !/back|rear|environment/i.test(this.track?.label ?? "");
  }

  get track() {
    return this.stream?.getVideoTracks()[0];
  }

  get canLight() {
    return Boolean(this.track?.getCapabilities?.().torch);
  }

  /** Opens the camera of that id, or one that faces as wanted; false where another start or a stop came first. Throws what `problem` makes. */
  async start(deviceId = this.deviceId) {
    if (!navigator.mediaDevices?.getUserMedia) throw problem(isSecureContext ? "no-camera" : "insecure");
    this.stop();
    const wish = (this.#wish = {});
    const stream = await this.#ask(deviceId);
    if (this.#wish !== wish) {
      end(stream);
      return false;
    }
    this.stream = stream;
    this.deviceId = this.track.getSettings().deviceId;
    this.video.srcObject = stream;
    await this.video.play().catch(() => {}); // stopped meanwhile
    return this.#wish === wish;
  }

  stop() {
    this.#wish = null;
    end(this.stream);
    this.stream = this.video.srcObject = null;
  }

  async list() {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
    return devices.filter((device) => device.kind === "videoinput");
  }

  /** As `start`: to the next in the list where there are two, else to the other side. */
  async switch() {
    const wish = (this.#wish = {});
    const devices = await this.list();
    if (this.#wish !== wish) return false;
    const at = devices.findIndex((device) => device.deviceId === this.deviceId);
    this.facing = this.facing === "user" ? "environment" : "user";
    return this.start(devices.length > 1 ? devices[(at + 1) % devices.length].deviceId : null);
  }

  /** Whether it could be done. */
  async light(on) {
    return this.track.applyConstraints({ advanced: [{ torch: on }] }).then(() => true, () => false);
  }

  /** One that was remembered and is gone is forgotten. */
  async #ask(deviceId) {
    const [width, height] = this.resolution.split("x").map((px) => ({ ideal: Number(px) }));
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: this.facing };
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...which, width, height } });
    } catch (error) {
      if (!deviceId || !GONE.includes(error.name)) throw problem(CODES[error.name] ?? "camera-failed");
      this.deviceId = null;
      return this.#ask(null);
    }
  }
}

const end = (stream) => stream?.getTracks().forEach((track) => track.stop());
