// The page's words: one JSON file a language, chosen by the browser, changed by the user; English where a word is missing.

export const LANGUAGES = ["en", "de", "fr", "es", "pl", "ar", "zh", "ja"];
const RIGHT_TO_LEFT = new Set(["ar"]);

let words = {};
let english = {};
export let language = "en";

/** The first of the browser's languages that there is, or English. */
export function preferred(wanted = navigator.languages ?? [navigator.language]) {
  return wanted.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => LANGUAGES.includes(tag)) ?? "en";
}

const read = async (name) => (await fetch(new URL(`languages/${name}.json`, import.meta.url))).json();

/** Loads a language and puts its words into the page. */
export async function speak(name) {
  english = Object.keys(english).length ? english : await read("en");
  words = name === "en" ? english : await read(name).catch(() => english);
  language = name;
  document.documentElement.lang = name;
  document.documentElement.dir = RIGHT_TO_LEFT.has(name) ? "rtl" : "ltr";
  translate(document);
}

/** A word or sentence; {name} in it is replaced by that value, given as text. */
export function say(key, values = {}) {
  const find = (from) => key.split(".").reduce((part, step) => part?.[step], from);
  const text = find(words) ?? find(english) ?? key;
  return typeof text === "string" ? text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole) : text;
}

/** Elements with data-text, data-title or data-label get their words. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
  for (const element of root.querySelectorAll("[data-title]")) {
    element.title = say(element.dataset.title);
    element.setAttribute("aria-label", say(element.dataset.title));
  }
}

const formats = new Map(); // making one takes as long as drawing a card

function format(options) {
  const key = language + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(language, options));
  return formats.get(key);
}

export const percent = (share) => format({ style: "percent", maximumFractionDigits: 0 }).format(share);
/** Of a probability: what rounds to 100% is `>99%`, and what rounds to 0 but is not 0 is `<1%`. */
export function chance(p) {
  const whole = Math.round(p * 100);
  return whole === 100 ? `>${percent(0.99)}` : whole === 0 && p > 0 ? `<${percent(0.01)}` : percent(p);
}
export const number = (value) => format({}).format(value);
