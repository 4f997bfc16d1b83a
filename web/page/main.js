// The page: three views on one stage, and what is around them.

import { Analyser } from "./analyser.js";
import { Cards } from "./cards.js";
import { button } from "./elements.js";
import { LANGUAGES, chance, number, percent, preferred, say, speak, translate } from "./i18n.js";
import { csv, download, fileName, json, picture } from "./session.js";
import { keep, settings } from "./settings.js";
import { draw } from "./stage.js";
import { CameraView } from "./view_camera.js";
import { PicturesView } from "./view_pictures.js";
import { VideoView } from "./view_video.js";

const $ = (id) => document.getElementById(id);
const SPEAK_MS = 2000;

/** What the views share: the stage, the networks, and words for the user. view: the one that is open. */
class App {
  canvas = $("canvas");
  empty = true; // nothing is on the stage
  view = null;
  #spokenAt = -Infinity;
  #waiting = null;
  #said = null; // what was told of the faces, until something else was said
  #told = [];

  /** Shows sentences over the stage, with buttons, [key, action] pairs; none: the picture is shown. */
  message(key, values = {}, ...actions) {
    this.tell(key ? [[key, values]] : [], actions);
  }

  tell(sentences, actions = []) {
    if (!sentences.length && $("message").hidden) return;
    this.#told = [sentences, actions];
    if (sentences.length) this.#said = null;
    $("message").hidden = !sentences.length;
    const held = $("message").contains(document.activeElement);
    $("message").querySelector(".words").replaceChildren(...sentences.map(([key, values]) => paragraph(say(key, values))));
    $("message").querySelector(".actions").replaceChildren(...actions.map(([key, act]) => button(key, act)));
    if (held) ($("message").querySelector("button") ?? $("stage")).focus();
  }

  /** The same in the language that is chosen now. */
  retell() {
    if (this.#told.length && !$("message").hidden) this.tell(...this.#told);
  }

  /** Says what went wrong and what to do; `again` does it once more. */
  fail(error, values = {}, again = null) {
    const sentence = [sentenceOf(error), values];
    this.tell([sentence], again ? [["again", again]] : []);
    this.announce(say(...sentence));
  }

  /** Says of each of several files what went wrong: [error, values] pairs; the picture stays below. Not open: when it is again. */
  failures(view, problems) {
    if (this.view !== view) view.untold.push(...problems);
    if (this.view !== view || !problems.length) return;
    const sentences = problems.map(([error, values]) => [sentenceOf(error), values]);
    this.tell(sentences, this.empty ? [] : [["close", () => this.message(null)]]);
    this.announce(sentences.map((sentence) => say(...sentence)).join(" "));
  }

  /** The bar below the stage. */
  controls(...elements) {
    const held = document.activeElement;
    $("controls").replaceChildren(...elements);
    translate($("controls"));
    if (elements.includes(held)) held.focus();
  }

  /** Draws what was analysed, and tells of it. */
  show(image, result, { stream = false, mirrored = false } = {}) {
    this.message(null);
    this.empty = false;
    draw(this.canvas, image, result, { boxes: settings.boxes, labels: settings.labels, mirrored });
    this.cards.show(result, { stream });
    this.#describe(result);
  }

  /** Nothing is shown. */
  blank() {
    this.empty = true;
    this.#said = null;
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.cards?.clear();
    $("nobody").hidden = true;
  }

  /** For screen readers: the latest sentence, at most one in two seconds. */
  announce(text) {
    clearTimeout(this.#waiting);
    const speak = () => {
      this.#spokenAt = performance.now();
      $("live").textContent = text;
    };
    this.#waiting = setTimeout(speak, Math.max(0, this.#spokenAt + SPEAK_MS - performance.now()));
  }

  /** Answers a button beside the faces, for the eye too. */
  answer(text) {
    $("answer").textContent = text;
    this.announce(text);
  }

  meter(text) {
    $("meter").hidden = !settings.meter;
    $("meter").textContent = text;
  }

  /** Begins to load the networks; whoever needs them and does not get them says so. */
  async preload() {
    this.loading ??= Analyser.load(new URL("./", import.meta.url), (share) => { this.share = share; });
    await this.loading.catch(() => { this.loading = null; }); // the next who needs them tries again
  }

  /** The networks, loaded once; how far that is is shown to who waits, while they are `wanted`. Throws MienError. */
  async analyser(view, wanted = () => true) {
    this.preload();
    const shown = setInterval(() => wanted() && view.message("loading", { percent: percent(this.share ?? 0) }), 150);
    try {
      const analyser = await this.loading;
      this.cards ??= new Cards($("cards"), $("nobody"), analyser.emotions);
      return analyser;
    } finally {
      clearInterval(shown);
    }
  }

  /** Tells of faces and what they show where that has changed. */
  #describe({ source, faces }) {
    const known = [source, ...faces.map((face, i) => `${face.track ?? i} ${face.emotion}`)].join();
    if (known === this.#said) return;
    this.#said = known;
    this.announce(describe(faces));
  }
}

const paragraph = (text) => Object.assign(document.createElement("p"), { textContent: text });

/** The key of the sentence for an error; what none is for goes to the console. */
function sentenceOf(error) {
  if (error.code && error.code in say("errors")) return `errors.${error.code}`;
  console.error(error);
  return "errors.unknown";
}

function describe(faces) {
  const spoken = faces.slice(0, 2).map((face, i) =>
    say("spoken", { number: number(face.track ?? i + 1), emotion: say(face.emotion), percent: chance(face.confidence) }));
  if (!spoken.length) return say("spokenNone");
  return (faces.length > 2 ? `${say("spokenMany", { count: number(faces.length) })} ` : "") + spoken.join(" ");
}

const app = new App();
const views = { camera: new CameraView(app), pictures: new PicturesView(app), video: new VideoView(app) };

function open(name) {
  if (app.view === views[name]) return;
  app.view?.leave();
  app.view = views[name];
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const chosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
  }
  $("stage").setAttribute("aria-labelledby", `tab-${name}`);
  $("shelf").hidden = $("timeline").hidden = $("meter").hidden = true;
  $("answer").textContent = "";
  app.blank();
  const { view } = app;
  Promise.resolve(view.enter()).then(() => app.failures(view, view.untold.splice(0)));
}

/** Files from wherever: pictures go to their view, a video to its own, by itself. */
function take(files) {
  const isVideo = (file) => file.type.startsWith("video/");
  const pictures = files.filter((file) => !isVideo(file));
  const [first, ...others] = files.filter(isVideo);
  const name = pictures.length ? "pictures" : "video";
  if (!files.length) return;
  open(name);
  views[name].take(pictures.length ? pictures : [first]);
  const left = pictures.length ? [first, ...others] : others;
  if (left[0]) app.answer(say("errors.one-video", { name: left.map((file) => file.name).join(", ") }));
}

function setUpTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  for (const [i, tab] of tabs.entries()) {
    tab.onclick = () => open(tab.id.slice(4));
    tab.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] * (document.dir === "rtl" ? -1 : 1);
      if (!step) return;
      const next = tabs[(i + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    };
  }
}

function setUpTaking() {
  const frame = document.querySelector(".frame");
  addEventListener("dragover", (event) => { event.preventDefault(); frame.classList.add("drop"); });
  addEventListener("dragleave", () => frame.classList.remove("drop"));
  addEventListener("drop", (event) => { event.preventDefault(); frame.classList.remove("drop"); take([...event.dataTransfer.files]); });
  addEventListener("paste", (event) => take([...event.clipboardData.files]));
}

function setUpExport() {
  const guarded = (ready, act) => async () => {
    if (!ready()) return app.answer(say("errors.nothing-yet"));
    try {
      await act();
    } catch (error) {
      if (error.name !== "AbortError") app.answer(say(sentenceOf(error))); // else the user thought better of it
    }
  };
  const seen = () => app.view.count > 0;
  const shown = () => !app.empty;
  const save = (blob, kind) => {
    const name = fileName(kind);
    download(blob, name);
    app.answer(say("saved", { name }));
  };
  const copy = async () => {
    const items = { "image/png": picture(app.canvas), "text/plain": csv(app.view.results()).text() };
    const write = async () => navigator.clipboard.write([new ClipboardItem(items)]); // some browsers have neither
    app.answer(say(await write().then(() => "copied", () => "errors.not-copied")));
  };
  const file = async () => new File([await picture(app.canvas)], fileName("png"), { type: "image/png" });
  $("save-picture").onclick = guarded(shown, async () => save(await picture(app.canvas), "png"));
  $("save-csv").onclick = guarded(seen, () => save(csv(app.view.results()), "csv"));
  $("save-json").onclick = guarded(seen, () => save(json(app.view.results()), "json"));
  $("copy").onclick = guarded(shown, copy);
  $("share").hidden = !navigator.canShare?.({ files: [new File([""], "a.png", { type: "image/png" })] });
  $("share").onclick = guarded(shown, async () => navigator.share({ files: [await file()] }));
  $("clear").onclick = () => {
    app.view.clear();
    app.answer("");
  };
}

function setUpSettings() {
  const tie = (id, key, read, write) => {
    write($(id), settings[key]);
    $(id).oninput = () => { keep({ [key]: read($(id)) }); apply(key); };
  };
  const check = (id, key) => tie(id, key, (e) => e.checked, (e, value) => { e.checked = value; });
  check("smooth", "smooth");
  check("show-boxes", "boxes");
  check("show-labels", "labels");
  check("show-meter", "meter");
  tie("threshold", "threshold", (e) => Number(e.value), (e, value) => { e.value = value; });
  tie("theme", "theme", (e) => e.value, (e, value) => { e.value = value; });
  const language = $("language");
  for (const name of LANGUAGES) language.append(new Option(NAMES[name], name));
  language.oninput = async () => { keep({ language: language.value }); await choose(language.value); };
  const apply = (key) => {
    document.documentElement.dataset.theme = settings.theme;
    document.querySelector("output[for=threshold]").textContent = percent(settings.threshold);
    if (!settings.meter) $("meter").hidden = true;
    if (key) app.view?.changed(key);
  };
  apply();
  for (const name of ["settings", "help"]) $(`${name}-button`).onclick = () => $(name).showModal();
}

const NAMES = { en: "English", de: "Deutsch", fr: "Français", es: "Español", pl: "Polski", ar: "العربية", zh: "中文", ja: "日本語" };

async function choose(name) {
  await speak(name);
  $("language").value = name;
  $("help-text").replaceChildren(...say("helpText").map(paragraph));
  document.querySelector("output[for=threshold]").textContent = percent(settings.threshold);
  $("answer").textContent = "";
  app.cards?.translate();
  app.retell();
  app.view?.changed("language");
}

/** The page of this version is kept for later; a new version is offered, and taken in the tab that asks for it. */
async function keepOffline() {
  const registration = await navigator.serviceWorker?.register("sw.js").catch(() => null);
  if (!registration) return;
  let asked = false;
  const offer = (worker) => {
    $("update").hidden = false;
    $("reload").onclick = () => {
      asked = true;
      if (worker.state === "activated") location.reload(); // another tab has taken it
      worker.postMessage("take over");
    };
  };
  const replaces = () => Boolean(registration.active);
  if (registration.waiting && replaces()) offer(registration.waiting);
  const watch = (worker) => worker?.addEventListener("statechange", () => worker.state === "installed" && replaces() && offer(worker));
  watch(registration.installing);
  registration.addEventListener("updatefound", () => watch(registration.installing));
  navigator.serviceWorker.addEventListener("controllerchange", () => asked && location.reload());
}

setUpTabs();
setUpTaking();
setUpExport();
setUpSettings();
await choose(settings.language ?? preferred());
open("camera");
document.documentElement.dataset.ready = "true";
app.preload().then(keepOffline);

export { app, views }; // for the benchmark
