// What was seen, to be taken away: results as CSV and JSON, the picture as PNG, to a file, the clipboard or another app.

import { toCsv } from "./recognizer/results.js";

/** The latest results of a camera, kept as text, which takes a tenth of the memory: an hour at 30 frames a second. */
export class Recording {
  static MOST = 108_000;
  #lines = [];
  asked = 0; // frames that were analysed for it
  began = null; // when, by performance.now()
  stream = null; // whose faces it numbers

  add(result) {
    this.#lines.push(JSON.stringify(result));
    if (this.#lines.length > Recording.MOST * 1.1) this.#lines.splice(0, this.#lines.length - Recording.MOST);
  }

  get length() {
    return this.#lines.length;
  }

  results() {
    return this.#lines.map((line) => JSON.parse(line));
  }
}

export const csv = (results) => new Blob([toCsv(results)], { type: "text/csv" });
export const json = (results) => new Blob([`${JSON.stringify(results, null, 1)}\n`], { type: "application/json" });
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
