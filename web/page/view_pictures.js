// Pictures: chosen, dropped, pasted, or taken with the phone's own camera; several stand on a shelf.

import { button, chooser } from "./elements.js";
import { problem } from "./problem.js";
import { SCHEMA } from "./recognizer/results.js";
import { settings } from "./settings.js";
import { View } from "./view.js";

const MOST_PIXELS = 150e6;
const THUMB_PX = 96;

export class PicturesView extends View {
  #taken = []; // {file, thumb, threshold, result}; of one that could not be read the result alone
  #shown = null;
  #work = Promise.resolve();
  #batch = {}; // another after `clear`: what is still queued then is not wanted any more

  constructor(app) {
    super(app);
    this.input = chooser("image/*", (files) => this.take(files), { multiple: true });
    this.snapshot = chooser("image/*", (files) => this.take(files), { capture: "environment" });
    this.buttons = [
      button("choose", () => this.input.click(), { className: "primary" }),
      button("snap", () => this.snapshot.click(), { hidden: !matchMedia("(pointer: coarse)").matches }),
    ];
  }

  async enter() {
    this.app.controls(...this.buttons);
    this.#shelve();
    if (!this.#shown) return this.message("readyPictures", {}, ["choose", () => this.input.click()]);
    await this.#show(this.#shown);
    if (this.#taken.some(({ file, threshold }) => file && threshold !== settings.threshold)) await this.#again();
  }

  /** Other settings or words: what is shown is drawn, and where the threshold changed all are looked at, once more. */
  changed(key) {
    if (key === "threshold") this.#again();
    else if (this.#shown) this.#show(this.#shown);
  }

  get count() {
    return this.#taken.length;
  }

  results() {
    return this.#taken.map(({ result }) => result);
  }

  clear() {
    [this.#taken, this.#shown, this.#batch] = [[], null, {}];
    this.app.blank();
    this.enter();
  }

  /** One after another, also where more come while some are under way; what could not be read is told of at the end. */
  take(files) {
    const batch = this.#batch;
    return this.#next(async () => {
      try {
        this.analyser = await this.app.analyser(this, () => batch === this.#batch);
      } catch (error) {
        if (batch === this.#batch) this.fail(error, {}, () => this.take(files));
        return;
      }
      const problems = [];
      for (const file of files) if (batch === this.#batch) problems.push(...(await this.#takeOne(file, batch)));
      if (batch !== this.#batch) return;
      this.#shelve();
      this.app.failures(this, problems);
    });
  }

  /** Does it after what is under way; a failure of its own stops nothing that comes later. */
  #next(act) {
    this.#work = this.#work.then(act).catch((error) => this.fail(error));
    return this.#work;
  }

  /** What went wrong with it, if anything: [error, values]. */
  async #takeOne(file, batch) {
    this.message("working", { name: file.name });
    try {
      const taken = await withBitmap(file, async (bitmap) => {
        const read = { file, thumb: thumb(bitmap), ...(await this.#look(file, bitmap)) };
        if (batch === this.#batch) this.#draw((this.#shown = read), bitmap);
        return read;
      });
      if (batch === this.#batch) this.#taken.push(taken);
      return [];
    } catch (error) {
      const result = { ...EMPTY, source: file.name, model: this.analyser.recognizer.model, error: error.message };
      if (batch === this.#batch) this.#taken.push({ result });
      return [[error, { name: file.name }]];
    }
  }

  async #look(file, bitmap) {
    const { threshold } = settings;
    return { threshold, result: await this.analyser.picture(bitmap, { source: file.name, threshold }) };
  }

  async #show(taken) {
    this.#shown = taken;
    try {
      await withBitmap(taken.file, (bitmap) => this.#draw(taken, bitmap));
    } catch (error) {
      if (this.#shown === taken) this.fail(error, { name: taken.file.name });
    }
  }

  #draw(taken, bitmap) {
    if (this.#shown === taken) this.show(bitmap, taken.result);
  }

  /** At most one pass waits. */
  #again() {
    if (this.waiting) return this.#work;
    this.waiting = true;
    return this.#next(async () => {
      this.waiting = false;
      for (const taken of this.#taken.filter(({ file }) => file)) await this.#lookAgain(taken);
    });
  }

  async #lookAgain(taken) {
    try {
      await withBitmap(taken.file, async (bitmap) => {
        Object.assign(taken, await this.#look(taken.file, bitmap));
        this.#draw(taken, bitmap);
      });
    } catch (error) {
      this.fail(error, { name: taken.file.name });
    }
  }

  #shelve() {
    if (!this.open) return;
    const shelf = document.getElementById("shelf");
    const seen = this.#taken.filter(({ thumb }) => thumb);
    shelf.hidden = seen.length < 2;
    shelf.replaceChildren(...seen.map((taken) => {
      const element = Object.assign(document.createElement("button"), { type: "button", title: taken.result.source });
      element.setAttribute("aria-label", taken.result.source);
      element.onclick = () => this.#show(taken);
      element.append(taken.thumb);
      return element;
    }));
  }
}

const EMPTY = { schema: SCHEMA, source: "", frame: 0, time_s: 0, width: 0, height: 0, model: {}, faces: [], error: null };

/** Does something with the picture, upright, and frees it. Throws an error whose code the page has a sentence for. */
async function withBitmap(file, act) {
  const known = /^image\//.test(file.type) || /\.(hei[cf]|tiff?|jp2|raw|dng)$/i.test(file.name);
  const bitmap = await createImageBitmap(file).catch(() => {
    throw known ? problem("unknown-format", "is damaged, or of a format that this browser does not know") : problem("not-a-picture", "is not a picture");
  });
  try {
    if (bitmap.width * bitmap.height > MOST_PIXELS) throw problem("too-large", "has more than 150 megapixels");
    return await act(bitmap);
  } finally {
    bitmap.close();
  }
}

function thumb(bitmap) {
  const small = Object.assign(document.createElement("canvas"), { width: THUMB_PX, height: THUMB_PX });
  const side = Math.min(bitmap.width, bitmap.height);
  small.getContext("2d").drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, THUMB_PX, THUMB_PX);
  return small;
}
