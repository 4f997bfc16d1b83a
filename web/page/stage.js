// The big picture: what was analysed, with its own faces drawn onto it, so that no box lags behind.

import { MOST_CANVAS_PIXELS } from "./analyser.js";
import { chance, say } from "./i18n.js";

export const COLOURS = {
  neutral: "#999999", happiness: "#F0E442", surprise: "#E69F00", sadness: "#56B4E9",
  anger: "#D55E00", disgust: "#009E73", fear: "#CC79A7", contempt: "#0072B2",
};
/** Of the tracks: apart from each other and from the emotions' own order. */
export const TRACKS = ["#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#0072B2", "#999999"];
export const trackColour = (track) => TRACKS[(track - 1) % TRACKS.length];

/** What a face is labelled with, in words: the top emotion, or two where it is ambiguous. */
export function candidates(face) {
  const probs = face.smoothed ?? face.probs;
  const names = Object.keys(probs).sort((one, other) => probs[other] - probs[one]).slice(0, face.ambiguous ? 2 : 1);
  return names.map((name) => `${say(name)} ${chance(probs[name])}`);
}

/** Draws an image source and its result; mirrored: as in a mirror, with readable labels. */
export function draw(canvas, image, result, { boxes = true, labels = true, mirrored = false } = {}) {
  const scale = Math.min(1, Math.sqrt(MOST_CANVAS_PIXELS / (result.width * result.height)));
  const [width, height] = [result.width, result.height].map((side) => Math.max(1, Math.round(side * scale)));
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#ffffff"; // as the network saw what is transparent
  pen.fillRect(0, 0, width, height);
  pen.save();
  if (mirrored) pen.setTransform(-1, 0, 0, 1, width, 0);
  pen.drawImage(image, 0, 0, width, height);
  pen.restore();
  const faces = result.faces.map((face, i) => {
    const box = Object.fromEntries(Object.entries(face.box).map(([name, px]) => [name, px * scale]));
    if (mirrored) box.x = width - box.x - box.width;
    return { face, box, number: face.track ?? i + 1 };
  });
  const line = Math.max(2, Math.round(Math.min(width, height) / 130));
  if (boxes) for (const { box, number } of faces) drawBox(pen, box, trackColour(number), line);
  const taken = [];
  if (labels) for (const { box, face, number } of faces) taken.push(drawLabel(pen, box, face, number, width, height, taken));
}

function drawBox(pen, box, colour, line) {
  pen.lineJoin = "round";
  for (const [style, extra] of [["#000000b0", 2], [colour, 0]]) {
    pen.strokeStyle = style;
    pen.lineWidth = line + extra;
    pen.strokeRect(box.x, box.y, box.width, box.height);
  }
}

/** Above the box, or else below or within it, where no label in `taken` is covered; gives its place. */
function drawLabel(pen, box, face, number, width, height, taken) {
  const size = Math.max(12, Math.min(box.width / 7, Math.min(width, height) / 18));
  const text = `${number}  ${candidates(face).join(" / ")}`;
  pen.font = `600 ${size}px system-ui, sans-serif`;
  const wide = Math.min(pen.measureText(text).width + size * 0.8, width);
  const tall = size * 1.5;
  const x = Math.max(0, Math.min(box.x, width - wide));
  const places = [box.y - tall, box.y + box.height, box.y, box.y + box.height - tall].filter((y) => y >= 0 && y + tall <= height);
  const free = (y) => taken.every((other) => x + wide <= other.x || other.x + other.wide <= x
    || y + tall <= other.y || other.y + other.tall <= y);
  const y = places.find(free) ?? places[0] ?? Math.max(0, Math.min(box.y, height - tall));
  pen.fillStyle = COLOURS[face.emotion];
  pen.fillRect(x, y, wide, tall);
  pen.fillStyle = ink(COLOURS[face.emotion]);
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  pen.fillText(text, x + size * 0.4, y + tall / 2, wide - size * 0.8);
  return { x, y, wide, tall };
}

/** Black or white, whichever reads better (relative luminance as in Python's draw.py). */
export function ink(colour) {
  const [red, green, blue] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 110 ? "#000000" : "#ffffff";
}
