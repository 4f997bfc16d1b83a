// A card a face: its name, calibrated confidence, eight bars that move smoothly, and the last minute as a strip.

import { chance, number, say } from "./i18n.js";
import { COLOURS, candidates, trackColour } from "./stage.js";

const STRIP_S = 60;
const STRIP_PX = 300;
const GAP_S = 0.5;
const GONE_S = 3;

export class Cards {
  constructor(place, nobody, emotions) {
    Object.assign(this, { place, nobody, emotions, cards: new Map() });
  }

  /** Shows a result's faces; those of a stream stay for GONE_S after they left. */
  show(result, { stream = false } = {}) {
    const faces = result.faces.map((face, i) => [face.track ?? i + 1, face]);
    if (!stream) this.clear();
    for (const [key, face] of faces) this.#card(key).update(face, result.time_s, stream);
    for (const [key, card] of this.cards) {
      if (!faces.some(([seen]) => seen === key)) card.away();
      if (result.time_s - card.seen_s > GONE_S || result.time_s < card.seen_s) this.#remove(key);
    }
    this.nobody.hidden = this.cards.size > 0;
  }

  clear() {
    for (const key of [...this.cards.keys()]) this.#remove(key);
    this.nobody.hidden = false;
  }

  /** Rebuilds the words after another language was chosen. */
  translate() {
    for (const card of this.cards.values()) card.name();
  }

  #card(key) {
    if (!this.cards.has(key)) {
      const card = new Card(key, this.emotions);
      this.cards.set(key, card);
      this.place.append(card.element);
    }
    return this.cards.get(key);
  }

  #remove(key) {
    this.cards.get(key).element.remove();
    this.cards.delete(key);
  }
}

class Card {
  constructor(key, emotions) {
    Object.assign(this, { key, emotions, seen_s: 0, face: null, column: null });
    this.element = document.createElement("article");
    this.element.className = "card";
    this.element.style.setProperty("--of", trackColour(key));
    this.element.innerHTML = `<h3><span class="number"></span><span class="emotion"></span><span class="percent"></span></h3>
      <p class="note"></p><dl class="bars"></dl><canvas class="strip" width="${STRIP_PX}" height="44" hidden aria-hidden="true"></canvas>`;
    this.rows = emotions.map((name) => {
      const [term, value, share] = ["dt", "dd", "dd"].map((kind) => document.createElement(kind));
      value.className = "bar";
      share.className = "percent";
      const fill = document.createElement("i");
      fill.style.background = COLOURS[name];
      value.append(fill);
      this.element.querySelector(".bars").append(term, value, share);
      return { name, term, fill, share };
    });
    this.parts = Object.fromEntries(["number", "emotion", "note", "strip"].map((name) => [name, this.element.querySelector(`.${name}`)]));
    this.parts.confidence = this.element.querySelector("h3 .percent");
    this.name();
  }

  name() {
    this.parts.number.textContent = say("face", { number: number(this.key) });
    for (const { name, term } of this.rows) term.textContent = say(name);
    if (this.face) this.#words(this.face);
  }

  update(face, time_s, stream) {
    this.face = face;
    this.seen_s = time_s;
    this.element.style.opacity = 1;
    this.#words(face);
    if (stream) this.#strip(time_s, face.smoothed ?? face.probs);
  }

  away() {
    this.element.style.opacity = 0.5;
  }

  #words(face) {
    const probs = face.smoothed ?? face.probs;
    for (const { name, fill, share } of this.rows) {
      put(share, chance(probs[name]));
      const length = `scaleX(${probs[name].toFixed(2)})`;
      if (fill.style.transform !== length) fill.style.transform = length;
    }
    put(this.parts.emotion, say(face.emotion));
    put(this.parts.confidence, chance(face.confidence));
    const names = candidates(face).join(" · ");
    put(this.parts.note, face.ambiguous ? say("ambiguous", { names }) : say("sure"));
  }

  /** The last minute moves to the left by a pixel each STRIP_S / STRIP_PX seconds; a gap of more than GAP_S stays empty. */
  #strip(time_s, probs) {
    const canvas = this.parts.strip;
    const column = Math.floor((time_s / STRIP_S) * STRIP_PX);
    if (column === this.column) return;
    const back = this.column === null || column < this.column; // the first, or the video was wound back
    const gone = back ? STRIP_PX : column - this.column;
    canvas.hidden = false;
    this.column = column;
    const pen = canvas.getContext("2d");
    pen.globalCompositeOperation = "copy";
    pen.drawImage(canvas, -gone, 0);
    pen.globalCompositeOperation = "source-over";
    const wide = gone * STRIP_S <= GAP_S * STRIP_PX ? gone : 1;
    drawColumn(pen, probs, this.emotions, STRIP_PX - wide, wide, 0, canvas.height);
  }
}

/** Text where it is another: the same one again would be laid out anew. */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Stacked probabilities over time; nothing where a face was away for longer than GAP_S. */
export function drawStack(canvas, history, emotions, from_s, to_s, top, height) {
  const pen = canvas.getContext("2d");
  const at = (time_s) => ((time_s - from_s) / Math.max(to_s - from_s, 1e-9)) * canvas.width;
  history.forEach(({ time_s, probs }, i) => {
    const next = history[i + 1]?.time_s ?? time_s;
    const left = at(time_s);
    drawColumn(pen, probs, emotions, left, Math.max(next - time_s <= GAP_S ? at(next) - left : 1, 1) + 0.5, top, height);
  });
}

function drawColumn(pen, probs, emotions, left, wide, top, height) {
  let y = top;
  for (const name of emotions) {
    pen.fillStyle = COLOURS[name];
    pen.fillRect(left, y, wide, probs[name] * height + 0.5);
    y += probs[name] * height;
  }
}
