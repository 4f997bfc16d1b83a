// What was seen, to be taken away: results as CSV and JSON, the picture as PNG, to a file, the clipboard or another app.

import { toCsv } from "./recognizer/results.js";

/** The latest results of a camera, kept as text, which takes a tenth of the memory: of one face an hour at 30 frames a second. */
export class Recording {
  static MOST_CHARACTERS = 100e6;
  #lines = [];
  #characters = 0;
  asked = 0; // frames that were analysed for it
  began = null; // when, by performance.now()
  stream = null; // whose faces it numbers

  add(result) {
    const line = JSON.stringify(result);
    this.#lines.push(line);
    this.#characters += line.length;
    if (this.#characters < Recording.MOST_CHARACTERS) return;
    for (const old of this.#lines.splice(0, Math.ceil(this.#lines.length / 10))) this.#characters -= old.length;
  }

  get length() {
    return this.#lines.length;
  }

  results() {
    return this.#lines.map((line) => JSON.parse(line));
  }
}

export const csv = (results) => new Blob([toCsv(results)], { type: "text/csv" });
/** One array, a result a line: a text of the whole could be longer than browsers allow. */
export const json = (results) =>
  new Blob(["[\n", ...results.map((result, i) => (i ? ",\n" : "") + JSON.stringify(result)), "\n]\n"], { type: "application/json" });
export const picture = (canvas) => new Promise((done) => canvas.toBlob(done, "image/png"));

export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function fileName(kind, date = new Date()) {
  return `mien-${date.toISOString().slice(0, 19).replace(/[:T]/g, "-")}.${kind}`;
}
