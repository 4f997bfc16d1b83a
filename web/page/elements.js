// Parts of the page that several views make.

import { say } from "./i18n.js";

/** A button that says the word of that key, in whatever language is chosen. */
export function button(key, act, options = {}) {
  const element = Object.assign(document.createElement("button"), { type: "button", textContent: say(key), onclick: act, ...options });
  element.dataset.text = key;
  return element;
}

/** Gives it another word. */
export function rename(element, key) {
  element.dataset.text = key;
  element.textContent = say(key);
}

/** An input for files, to be clicked by a button; the same file may be chosen twice in a row. */
export function chooser(accept, take, { multiple = false, capture = "" } = {}) {
  const input = Object.assign(document.createElement("input"), { type: "file", accept, multiple });
  if (capture) input.capture = capture;
  input.onchange = () => {
    take([...input.files]);
    input.value = "";
  };
  return input;
}
