// What mien answers, as words and as a table: src/mien/results.py and the CSV of src/mien/media/sinks.py.

import { COLUMNS, EMOTIONS, PICTURE_COLUMNS, SCHEMA } from "./constants.js";
import { round } from "./pixels.js";

export { EMOTIONS, SCHEMA };

/** `happiness 93%`, or `anger 41% / sadness 38%` where the face is ambiguous. */
export function label(face) {
  const probs = face.smoothed ?? face.probs;
  const shown = Object.keys(probs).sort((one, other) => probs[other] - probs[one]);
  return shown.slice(0, face.ambiguous ? 2 : 1).map((name) => `${name} ${percent(probs[name])}`).join(" / ");
}

/** A probability for people: what rounds to 100% is `>99%`, and what rounds to 0 but is not 0 is `<1%`, as Python says it. */
function percent(p) {
  const whole = round(p * 100);
  return whole === 100 ? ">99%" : whole === 0 && p > 0 ? "<1%" : `${whole}%`;
}

/**
 * The CSV of docs/contract.md: a row a face, and one with empty face columns for a picture or frame without faces.
 * The columns of smoothed probabilities are there where any face has them.
 */
export function toCsv(results) {
  const smooth = results.some(({ faces }) => faces.some((face) => face.smoothed));
  const columns = smooth ? Object.keys(COLUMNS) : PICTURE_COLUMNS;
  const lines = results.flatMap(toRows).map((row) => columns.map((name) => cell(row[name], COLUMNS[name])));
  return [columns, ...lines].map((line) => `${line.join(",")}\n`).join("");
}

/** An object a face, by the names of COLUMNS. */
export function toRows({ source, frame, time_s, faces, error }) {
  const base = { source, frame, time_s, error };
  if (!faces.length) return [base];
  return faces.map(({ box, probs, smoothed, ...rest }, face) => {
    const overTime = Object.entries(smoothed ?? {}).map(([name, p]) => [`smoothed_${name}`, p]);
    return { ...base, face, ...box, ...rest, ...probs, ...Object.fromEntries(overTime) };
  });
}

function cell(value, kind) {
  if (value === null || value === undefined) return "";
  return kind === "float" ? float(value) : quoted(String(value));
}

const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** A number as Python writes it: 1.0, 0.25, 1e-07, 1e+16. */
function float(value) {
  const size = Math.abs(value);
  if (value && (size < 1e-4 || size >= 1e16)) return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
