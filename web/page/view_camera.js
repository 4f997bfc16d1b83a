// The live view: each frame that is shown is the one that was analysed.

import { Camera } from "./camera.js";
import { button } from "./elements.js";
import { say } from "./i18n.js";
import { Recording } from "./session.js";
import { keep, settings } from "./settings.js";
import { View } from "./view.js";

export class CameraView extends View {
  #recording = new Recording();
  #run = null;

  constructor(app) {
    super(app);
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    this.camera = new Camera(this.video);
    this.camera.resolution = settings.resolution;
    document.addEventListener("visibilitychange", () => this.#hidden());
    const list = document.getElementById("camera-list");
    list.oninput = () => this.start(list.value);
    const resolution = document.getElementById("resolution");
    resolution.value = settings.resolution;
    resolution.oninput = () => {
      keep({ resolution: resolution.value });
      this.camera.resolution = resolution.value;
      if (this.camera.running) this.start();
    };
    this.buttons = {
      start: button("start", () => this.start(), { className: "primary" }),
      stop: button("stop", () => this.stop(true)),
      switch: button("switch", () => this.#open(() => this.camera.switch())),
      snap: button("snap", () => document.getElementById("save-picture").click()),
      torch: button("torch", () => this.#light()),
    };
  }

  enter() {
    this.app.controls(...Object.values(this.buttons));
    this.#arrange();
    this.message("ready", {}, ["start", () => this.start()]);
  }

  leave() {
    this.stop();
    for (const row of ["camera-row", "resolution-row"]) document.getElementById(row).hidden = true;
  }

  get count() {
    return this.#recording.length;
  }

  results() {
    return this.#recording.results();
  }

  /** What comes is a recording of its own; the times of one go on while the camera stands still. */
  clear() {
    this.#recording = new Recording();
    if (this.camera.running) return this.app.cards?.clear();
    this.app.blank();
    this.enter();
  }

  start(deviceId) {
    return this.#open(() => this.camera.start(deviceId));
  }

  stop(byUser = false) {
    this.#run = null;
    this.camera.stop();
    this.#arrange();
    if (byUser) this.message("ready", {}, ["start", () => this.start()]);
  }

  /** Opens a camera by `act`; one that another wish has overtaken is let go. */
  async #open(act) {
    const run = (this.#run = {});
    try {
      this.analyser = await this.app.analyser(this, () => this.#run === run);
      const before = this.camera.deviceId;
      if (this.#run !== run || !(await act())) return;
      if (this.camera.deviceId !== before) this.#recording.stream?.restart(); // others stand there
      this.buttons.torch.setAttribute("aria-pressed", "false");
      await this.#list();
    } catch (error) {
      if (this.#run !== run) return;
      this.stop();
      this.fail(error, {}, () => this.start());
      return;
    }
    if (this.#run !== run) return;
    this.camera.track.onended = () => this.#lost(run);
    this.#arrange();
    this.#loop(run);
  }

  /** The buttons that are of use now. */
  #arrange() {
    const { running, canLight } = this.camera;
    const shown = { start: !running, stop: running, snap: running, switch: running && this.devices > 1, torch: running && canLight };
    const held = document.activeElement;
    for (const [name, is] of Object.entries(shown)) this.buttons[name].hidden = !is;
    const buttons = Object.values(this.buttons);
    if (buttons.includes(held) && held.hidden) buttons.find((button) => !button.hidden).focus();
  }

  async #light() {
    const { torch } = this.buttons;
    const on = torch.getAttribute("aria-pressed") !== "true";
    if (await this.camera.light(on)) torch.setAttribute("aria-pressed", on);
  }

  async #list() {
    const devices = await this.camera.list();
    this.devices = devices.length;
    const list = document.getElementById("camera-list");
    list.replaceChildren(...devices.map((device, i) => new Option(device.label || `${say("camera")} ${i + 1}`, device.deviceId)));
    list.value = this.camera.deviceId;
    document.getElementById("camera-row").hidden = devices.length < 2;
    document.getElementById("resolution-row").hidden = false;
  }

  async #loop(run) {
    const taken = [];
    while (this.#run === run) {
      await nextFrame(this.video);
      if (this.#run !== run || !this.video.videoWidth) continue;
      const start = performance.now();
      try {
        await this.look(this.video, start);
      } catch (error) {
        if (this.#run !== run) return;
        this.stop();
        this.fail(error, {}, () => this.start());
        return;
      }
      taken.push([start, performance.now() - start]);
      if (taken.length > 30) taken.shift();
      if (this.#run === run) this.app.meter(pace(taken));
    }
  }

  /** Analyses what stands in `source` now, and shows that very picture. */
  async look(source, now) {
    const recording = this.#recording;
    const run = this.#run;
    recording.stream ??= this.analyser.stream();
    recording.began ??= now;
    const image = await createImageBitmap(source);
    const options = { time_s: (now - recording.began) / 1000, frame: recording.asked++, source: "camera", threshold: settings.threshold };
    const raw = await recording.stream.frame(image, options);
    const result = settings.smooth ? recording.stream.smoothed(raw) : raw;
    if (recording === this.#recording) recording.add(result);
    if (run === this.#run && recording === this.#recording) this.show(image, result, { stream: true, mirrored: this.camera.mirrored });
    image.close();
  }

  #lost(run) {
    if (this.#run !== run) return;
    this.stop();
    this.fail({ code: "camera-failed" }, {}, () => this.start());
  }

  #hidden() {
    if (document.hidden && this.#run) {
      this.stop();
      this.waits = true;
      this.message("paused");
    } else if (!document.hidden && this.waits) {
      this.waits = false;
      if (this.open) this.start();
    }
  }
}

/** Frames a second and the median time of one, from [start, ms] pairs. */
function pace(taken) {
  const rate = ((taken.length - 1) * 1000) / Math.max(taken.at(-1)[0] - taken[0][0], 1);
  const median = taken.map(([, ms]) => ms).sort((one, other) => one - other)[taken.length >> 1];
  return `${rate.toFixed(0)} fps, ${median.toFixed(1)} ms`;
}

/** When the video shows its next frame; or the page's, where the browser cannot tell. */
function nextFrame(video) {
  return new Promise((done) => {
    if (video.requestVideoFrameCallback) {
      video.requestVideoFrameCallback(done);
      setTimeout(done, 500); // a camera that has stopped delivering must not stop the loop
    } else requestAnimationFrame(done);
  });
}
