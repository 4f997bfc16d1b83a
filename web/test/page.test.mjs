// The page in headless Chromium, as people use it: node --test test/page.test.mjs
// MIEN_MEDIA: a folder with what tests/web/media.py writes: camera.mjpeg, clip.mp4, clip.json, huge.png, …
// MIEN_SUITE: pictures, camera, video or around it; all where it is not given.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { agree, iou } from "./agree.mjs";
import { WEB, launch, serve } from "./site.mjs";

const GOLDEN = join(WEB, "..", "tests", "golden");
const MEDIA = process.env.MIEN_MEDIA;
const LANGUAGES = ["en", "de", "fr", "es", "pl", "ar", "zh", "ja"];
const VIEWS = ["camera", "pictures", "video"];
const golden = JSON.parse(readFileSync(join(GOLDEN, "golden.json"))).pictures;
const golden_picture = (name) => join(GOLDEN, "pictures", name);
const media = (name) => join(MEDIA, name);
const words = (name) => JSON.parse(readFileSync(join(WEB, "page", "languages", `${name}.json`)));
const FAKE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-video-capture=${media("camera.mjpeg")}`];

/** A part of the tests, where it is wanted. */
const suite = (name, act) => [undefined, name].includes(process.env.MIEN_SUITE) && describe(name, act);

let browser, site;

before(async () => {
  site = await serve();
  browser = await launch(...FAKE);
});
after(async () => {
  await browser?.close();
  await site?.close();
});

/** The page, ready, with its requests and failures; its context closes with it. */
async function open({ where = browser, address = site.address, ready = true, ...options } = {}) {
  const context = await where.newContext({ locale: "en-GB", viewport: { width: 1280, height: 800 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  Object.assign(page, { requested: [], failures: [] });
  page.on("request", (request) => page.requested.push(request));
  page.on("pageerror", (error) => page.failures.push(error.message));
  page.on("console", (message) => /Content Security Policy|Refused to/.test(message.text()) && page.failures.push(message.text()));
  await page.goto(address);
  if (ready) await page.waitForSelector("html[data-ready=true]");
  return page;
}

const close = (page) => page.context().close();
const show = (page, view) => page.click(`#tab-${view}`);
const text = (page, selector) => page.textContent(selector);

/** Chooses files by the view's own button. */
async function choose(page, view, ...files) {
  await show(page, view);
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click("#controls button")]);
  await chooser.setFiles(files);
}

/** What a button of "take away" saves, as text or bytes. */
async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(`#save-${button}`)]);
  assert.match(download.suggestedFilename(), /^mien-\d{4}(-\d\d){5}\.(png|csv|json)$/);
  return readFileSync(await download.path());
}
const results = async (page) => JSON.parse(await saved(page, "json"));
const until = (page, check, ...rest) => page.waitForFunction(check, ...rest);
const stored = (page, count) => until(page, (n) => document.querySelectorAll("#shelf button").length >= n, count);
/** Until the stage says that. */
const told = (page, part) => until(page, (part) => !document.getElementById("message").hidden && document.querySelector("#message .words").textContent.includes(part), part);
const setting = (page, id, value) => page.evaluate(([id, value]) => {
  const element = document.getElementById(id);
  element[typeof value === "boolean" ? "checked" : "value"] = value;
  element.dispatchEvent(new Event("input"));
}, [id, value]);
/** Searches take that long more, as on a slow device. */
const slowly = (page, ms) => page.evaluate(async (ms) => {
  const { app, views } = await import("./main.js");
  const { recognizer } = await app.analyser(views.camera);
  const search = recognizer.search.bind(recognizer);
  recognizer.search = async (...asked) => {
    await new Promise((done) => setTimeout(done, ms));
    return search(...asked);
  };
}, ms);

/** Until a video has run. */
const analysed = async (page) => {
  await page.waitForSelector("#play:visible");
  await until(page, (word) => document.getElementById("play").textContent === word, words("en").play, { timeout: 60_000 });
};

async function startCamera(page) {
  await page.click("#controls .primary");
  await page.waitForSelector(".card");
}

suite("pictures", () => {
  test("the golden pictures get Python's answers, and are exported by its schema", async () => {
    const page = await open();
    const names = Object.keys(golden);
    await choose(page, "pictures", ...names.map(golden_picture));
    await stored(page, names.length);
    const found = await results(page);
    assert.deepEqual(found.map(({ source }) => source), names);
    for (const result of found) agree(result, golden[result.source].result, result.source);
    const lines = (await saved(page, "csv")).toString().trim().split("\n");
    assert.equal(lines.length, 1 + names.reduce((sum, name) => sum + Math.max(1, golden[name].result.faces.length), 0));
    assert.match(lines[0], /^source,frame,time_s,face,track,x,y,width,height,score,emotion,confidence,ambiguous,neutral,.*,contempt,error$/);
    assert.deepEqual(page.failures, []);
    await close(page);
  });

  test("the annotated picture is saved in full size, with the face marked", async () => {
    const page = await open();
    await choose(page, "pictures", golden_picture("astronaut.jpg"));
    await page.waitForSelector(".card");
    const png = await saved(page, "picture");
    assert.equal(png.subarray(1, 4).toString(), "PNG");
    const { width, height } = golden["astronaut.jpg"].result;
    assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [width, height]);
    const plain = await open();
    await plain.click("#settings-button");
    for (const what of ["boxes", "labels"]) await plain.click(`#show-${what}`);
    await plain.keyboard.press("Escape");
    await choose(plain, "pictures", golden_picture("astronaut.jpg"));
    await plain.waitForSelector(".card");
    assert.notDeepEqual(await saved(plain, "picture"), png);
    await Promise.all([close(page), close(plain)]);
  });

  test("dropped and pasted files are taken, pictures and videos each to their view", async () => {
    const page = await open();
    const bytes = [...readFileSync(golden_picture("hopper.jpg"))];
    for (const [kind, field] of [["drop", "dataTransfer"], ["paste", "clipboardData"]]) {
      await page.evaluate(([kind, field, bytes]) => {
        const held = new DataTransfer();
        held.items.add(new File([Uint8Array.from(bytes)], `${kind}.jpg`, { type: "image/jpeg" }));
        const event = kind === "drop" ? new DragEvent(kind, { [field]: held, bubbles: true, cancelable: true }) : new ClipboardEvent(kind, { [field]: held, bubbles: true });
        document.body.dispatchEvent(event);
      }, [kind, field, bytes]);
      await page.waitForSelector(".card");
      assert.equal((await results(page)).at(-1).source, `${kind}.jpg`);
    }
    assert.equal(await page.getAttribute("#tab-pictures", "aria-selected"), "true");
    await close(page);
  });

  test("what is no picture, or one that the browser does not know, is refused by name, and the others are done", async () => {
    const page = await open();
    await choose(page, "pictures", golden_picture("hopper.jpg"));
    await page.waitForSelector(".card");
    const cases = { "broken.png": "unknown-format", "notes.txt": "not-a-picture", "photo.heic": "unknown-format", "empty.jpg": "unknown-format" };
    for (const [name, code] of Object.entries(cases)) {
      await choose(page, "pictures", media(name));
      await told(page, words("en").errors[code].replace("{name}", name));
    }
    await choose(page, "pictures", media("broken.png"), golden_picture("astronaut.jpg"), media("notes.txt"));
    for (const name of ["broken.png", "notes.txt"]) await told(page, name); // both, and not only the last
    await page.click("#message button"); // away with it: the picture is below
    const found = await results(page);
    const refused = found.filter(({ error }) => error);
    assert.deepEqual([found.length, refused.length], [8, 6]); // nothing vanishes
    assert.deepEqual(Object.keys(refused[0]), Object.keys(found[0]));
    assert.deepEqual([refused[0].faces, refused[0].source, refused[0].width], [[], "broken.png", 0]);
    assert.match((await saved(page, "csv")).toString(), /^notes.txt,0,0.0,+is not a picture$/m);
    assert.deepEqual(page.failures, []);
    await close(page);
  });

  test("what is larger than 150 megapixels, or fails to be read again, is said, and the next is taken", async () => {
    const page = await open();
    await choose(page, "pictures", golden_picture("hopper.jpg"));
    await page.waitForSelector(".card");
    await page.evaluate(() => {
      globalThis.decode = createImageBitmap;
      globalThis.createImageBitmap = async () => ({ width: 20_000, height: 20_000, close() {} });
    });
    await choose(page, "pictures", golden_picture("astronaut.jpg"));
    await told(page, words("en").errors["too-large"].replace("{name}", "astronaut.jpg"));
    await page.evaluate(() => { globalThis.createImageBitmap = () => Promise.reject(new Error("gone")); });
    await setting(page, "threshold", "0.6");
    await told(page, "hopper.jpg");
    await page.evaluate(() => { globalThis.createImageBitmap = decode; });
    await choose(page, "pictures", golden_picture("grey.png"));
    await stored(page, 2);
    assert.deepEqual((await results(page)).map(({ source, error }) => [source, error !== null]), [["hopper.jpg", false], ["astronaut.jpg", true], ["grey.png", false]]);
    await close(page);
  });

  test("the next picture is told of, though it shows the same emotion", async () => {
    const page = await open();
    for (const name of ["astronaut.jpg", "mirrored.jpg"]) {
      await page.evaluate(() => { document.getElementById("live").textContent = ""; });
      await choose(page, "pictures", golden_picture(name));
      await until(page, () => document.getElementById("live").textContent.includes("happiness"));
    }
    await close(page);
  });

  test("a video beside pictures is not passed over in silence", async () => {
    const page = await open();
    await page.evaluate(() => {
      const held = new DataTransfer();
      held.items.add(new File(["no picture"], "notes.txt", { type: "text/plain" }));
      held.items.add(new File(["no video"], "film.mp4", { type: "video/mp4" }));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: held, bubbles: true, cancelable: true }));
    });
    await until(page, () => document.getElementById("answer").textContent.includes("film.mp4"));
    await told(page, "notes.txt");
    await close(page);
  });

  test("what failed, and a threshold that was set, while another view was open hold when this one is opened again", async () => {
    const page = await open();
    await choose(page, "pictures", golden_picture("several.jpg"));
    await page.waitForSelector(".card");
    const scores = golden["several.jpg"].result.faces.map(({ score }) => score);
    await page.evaluate(() => {
      const decode = createImageBitmap;
      globalThis.createImageBitmap = (file) => new Promise((done) => setTimeout(done, 1000)).then(() => decode(file));
    });
    await choose(page, "pictures", golden_picture("hopper.jpg"), media("broken.png"));
    await show(page, "camera");
    await setting(page, "threshold", "0.9");
    await until(page, async () => (await import("./main.js")).views.pictures.untold.length === 1);
    await show(page, "pictures");
    await told(page, words("en").errors["unknown-format"].replace("{name}", "broken.png"));
    await until(page, async (count) => (await import("./main.js")).app.view.results()[0].faces.length === count, scores.filter((score) => score >= 0.9).length);
    assert.deepEqual(page.failures, []);
    await close(page);
  });

  test("what is transparent lies on white, whatever was on the stage before", async () => {
    const page = await open();
    const level = await page.evaluate(async () => {
      const { draw } = await import("./stage.js");
      const [stage, red, clear] = ["", "#ff0000", "#ff000000"].map((colour) => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
        Object.assign(canvas.getContext("2d"), { fillStyle: colour }).fillRect(0, 0, 64, 48);
        return canvas;
      });
      for (const image of [red, clear]) draw(stage, image, { width: 64, height: 48, faces: [] });
      return [...stage.getContext("2d").getImageData(30, 20, 1, 1).data];
    });
    assert.deepEqual(level, [255, 255, 255, 255]);
    await close(page);
  });

  test("100 megapixels are analysed; a picture without faces says so; another threshold looks again", async () => {
    const page = await open();
    await choose(page, "pictures", media("huge.png"));
    await page.waitForSelector(".card", { timeout: 60_000 });
    const [huge] = await results(page);
    const expected = JSON.parse(readFileSync(media("huge.json")));
    assert.deepEqual([huge.width, huge.height, huge.faces.length], [expected.width, expected.height, 1]);
    assert.ok(iou(huge.faces[0].box, expected.faces[0].box) > 0.9);
    assert.equal(huge.faces[0].emotion, expected.faces[0].emotion);
    await choose(page, "pictures", golden_picture("no-face.jpg"));
    await stored(page, 2);
    assert.ok(await page.isVisible("#nobody"));
    assert.equal(await page.locator(".card").count(), 0);
    assert.deepEqual((await results(page))[1].faces, []);
    await setting(page, "threshold", "0.9");
    const least = golden["several.jpg"].result.faces.filter(({ score }) => score >= 0.9).length;
    await choose(page, "pictures", golden_picture("several.jpg"));
    await stored(page, 3);
    assert.equal((await results(page))[2].faces.length, least);
    await setting(page, "threshold", "0.5");
    await until(page, (count) => document.querySelectorAll(".card").length === count, golden["several.jpg"].result.faces.length);
    await close(page);
  });
});

suite("camera", () => {
  test("a face is named live under one number, and what was seen can be taken away", async () => {
    const page = await open();
    await startCamera(page);
    await page.waitForTimeout(1500);
    const found = await results(page);
    const seen = found.filter(({ faces }) => faces.length);
    assert.ok(found.length > 5 && seen.length > 0.9 * found.length);
    assert.deepEqual([...new Set(seen.flatMap(({ faces }) => faces.map(({ track }) => track)))], [1]);
    found.forEach(({ frame, time_s, source }, i) => {
      assert.deepEqual([frame, source], [found[0].frame + i, "camera"]);
      assert.ok(i === 0 || time_s > found[i - 1].time_s);
    });
    const expected = JSON.parse(readFileSync(media("camera.json")));
    assert.equal(seen.at(-1).faces[0].emotion, expected.faces[0].emotion);
    assert.equal(await text(page, ".card .emotion"), expected.faces[0].emotion);
    const sum = (probs) => Object.values(probs).reduce((total, p) => total + p, 0);
    for (const probs of [seen.at(-1).faces[0].probs, seen.at(-1).faces[0].smoothed]) assert.ok(Math.abs(sum(probs) - 1) < 1e-5);
    const header = (await saved(page, "csv")).toString().split("\n")[0];
    assert.match(header, /smoothed_neutral,.*smoothed_contempt,error$/);
    assert.ok(await page.isVisible(".card .strip"));
    await page.click("#settings-button");
    await page.click("#show-meter");
    await page.keyboard.press("Escape");
    await until(page, () => /^\d+ fps, [\d.]+ ms$/.test(document.getElementById("meter").textContent));
    assert.deepEqual(page.failures, []);
    await setting(page, "smooth", false);
    await page.waitForTimeout(400);
    assert.equal((await results(page)).at(-1).faces[0].smoothed, null);
    await page.click("#controls button:visible"); // stop
    assert.ok(await page.isVisible("#message"));
    const kept = await results(page);
    assert.ok(kept.length >= found.length);
    await page.click("#clear");
    await page.click("#save-json");
    await until(page, (word) => document.getElementById("answer").textContent === word, words("en").errors["nothing-yet"]);
    await close(page);
  });

  test("what is shown is the very frame that was analysed: the box stands where the face is drawn", async () => {
    const page = await open();
    await setting(page, "show-labels", false);
    await startCamera(page);
    await page.waitForTimeout(500);
    const pairs = await page.evaluate(async () => {
      const { app, views } = await import("./main.js");
      const show = app.show.bind(app);
      const { recognizer } = views.camera.analyser;
      const pairs = [];
      return new Promise((done) => {
        app.show = (image, result, options) => {
          const pen = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height }).getContext("2d", { willReadFrequently: true });
          pen.drawImage(image, 0, 0);
          recognizer.search(pen.getImageData(0, 0, image.width, image.height)).then(([face]) => {
            if (face && result.faces.length) pairs.push([result.faces[0].box, face.square]);
            if (pairs.length === 15) done(pairs);
          });
          show(image, result, options);
        };
      });
    });
    const overlaps = pairs.map(([box, { left, top, side }]) => iou(box, { x: left, y: top, width: side, height: side }));
    assert.ok(overlaps.sort((one, other) => one - other)[7] > 0.8, `${overlaps}`); // between two searches it is expected, not found
    await close(page);
  });

  test("starting, stopping, clearing and changing the view at any moment leave no camera on and no error", async () => {
    const page = await open();
    await page.evaluate(() => {
      globalThis.tracks = [];
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wish) => {
        await new Promise((done) => setTimeout(done, 400)); // the user thinks about it
        const stream = await ask(wish);
        tracks.push(...stream.getTracks());
        return stream;
      };
    });
    const live = () => page.evaluate(() => tracks.filter(({ readyState }) => readyState === "live").length);
    const asked = (count) => until(page, (count) => tracks.length === count, count);
    await page.click("#controls .primary");
    await page.waitForTimeout(100);
    await show(page, "pictures");
    await asked(1);
    await until(page, () => tracks.every(({ readyState }) => readyState === "ended"));
    assert.equal(await text(page, "#controls button:visible"), words("en").choose);
    await show(page, "camera");
    await page.click("#controls .primary");
    await page.click("#message button").catch(() => {});
    await page.waitForSelector(".card");
    assert.equal(await live(), 1);
    await slowly(page, 250);
    for (let i = 0; i < 4; i++) {
      await page.waitForTimeout(170);
      await page.click("#clear");
    }
    await page.waitForSelector(".card");
    assert.ok(await page.isHidden("#message"));
    assert.deepEqual((await results(page)).map(({ frame }) => frame)[0], 0);
    await page.click("#controls button:visible");
    assert.equal(await live(), 0);
    assert.deepEqual(page.failures, []);
    await close(page);
  });

  test("a stop while the cameras are listed for the next one is a stop", async () => {
    const page = await open();
    await startCamera(page);
    const live = await page.evaluate(async () => {
      const { app: { view } } = await import("./main.js");
      const list = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
      navigator.mediaDevices.enumerateDevices = async () => {
        await new Promise((done) => setTimeout(done, 200));
        return list();
      };
      const switched = view.camera.switch();
      view.stop(true);
      return [await switched, view.camera.running];
    });
    assert.deepEqual(live, [false, false]);
    await close(page);
  });

  test("another camera's faces get numbers of their own", async () => {
    const page = await open();
    await startCamera(page);
    await page.evaluate(() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wish) => {
        const stream = await ask({ video: true });
        const [track] = stream.getVideoTracks();
        const told = track.getSettings();
        track.getSettings = () => ({ ...told, deviceId: "another" });
        return stream;
      };
    });
    await page.evaluate(async () => (await import("./main.js")).app.view.start("another"));
    await until(page, async () => (await import("./main.js")).app.view.results().at(-1).faces[0]?.track === 2);
    await close(page);
  });

  test("a recording keeps the latest, as one text or as many as it takes", async () => {
    const page = await open();
    const [kept, first, last, equal] = await page.evaluate(async () => {
      const { Recording, json } = await import("./session.js");
      Recording.MOST_CHARACTERS = 10_000;
      const recording = new Recording();
      for (let frame = 0; frame < 5000; frame++) recording.add({ frame, faces: [] });
      const results = recording.results();
      const read = JSON.parse(await json(results).text());
      return [results.length, results[0].frame, results.at(-1).frame, JSON.stringify(read) === JSON.stringify(results)];
    });
    assert.equal(last, 4999);
    assert.equal(first, 5000 - kept);
    assert.ok(kept > 300 && kept < 450, `${kept}`); // of 25 to 27 characters each
    assert.ok(equal);
    await close(page);
  });

  test("a remembered camera that is gone gives way to another", async () => {
    const page = await open();
    await startCamera(page);
    await page.click("#controls button:visible");
    await page.evaluate(() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = (wish) => (wish.video.deviceId ? Promise.reject(new DOMException("", "OverconstrainedError")) : ask(wish));
    });
    await startCamera(page);
    await close(page);
  });

  test("it pauses while the tab is hidden and goes on after", async () => {
    const page = await open();
    await startCamera(page);
    const hide = (hidden) => page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
    await hide(true);
    await told(page, words("en").paused);
    assert.equal(await page.evaluate(() => document.querySelector("#message .actions button") === null), true);
    await hide(false);
    await page.waitForSelector("#message", { state: "hidden" });
    await page.waitForSelector(".card");
    await close(page);
  });

  test("refused, missing, in use and lost: each a sentence saying what to do, and a way to try again", async () => {
    const cases = { NotAllowedError: "camera-refused", NotFoundError: "no-camera", NotReadableError: "camera-busy", TypeError: "camera-failed" };
    for (const [name, code] of Object.entries(cases)) {
      const page = await open();
      await page.evaluate((name) => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name)); }, name);
      await page.click("#controls .primary");
      await told(page, words("en").errors[code]);
      assert.equal(await text(page, "#message button"), words("en").again);
      await close(page);
    }
    const page = await open();
    await page.evaluate(() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wish) => (globalThis.stream = await ask(wish));
    });
    await startCamera(page);
    await page.evaluate(() => stream.getVideoTracks()[0].dispatchEvent(new Event("ended"))); // pulled out
    await told(page, words("en").errors["camera-failed"]);
    assert.ok((await results(page)).length > 0); // nothing is lost
    const before = await results(page);
    await page.click("#message button");
    await page.waitForSelector("#message", { state: "hidden" });
    const after = await results(page);
    assert.deepEqual(after.slice(0, before.length), before); // it goes on in the same recording
    assert.deepEqual(after.map(({ frame }) => frame), [...after.keys()]);
    await close(page);
  });

  test("a browser without a camera, and one that refuses it, for real", async () => {
    const none = await launch("--use-fake-ui-for-media-stream");
    const refusing = await launch("--use-fake-device-for-media-stream", "--deny-permission-prompts");
    try {
      for (const [where, code] of [[none, "no-camera"], [refusing, "camera-refused"]]) {
        const page = await open({ where });
        await page.click("#controls .primary");
        await told(page, words("en").errors[code]);
      }
    } finally {
      await Promise.all([none.close(), refusing.close()]);
    }
  });

  test("screen readers hear of changes, at most once in two seconds", async () => {
    const page = await open();
    await page.evaluate(() => {
      globalThis.heard = [];
      new MutationObserver(() => heard.push([performance.now(), document.getElementById("live").textContent]))
        .observe(document.getElementById("live"), { childList: true, characterData: true, subtree: true });
    });
    await startCamera(page);
    for (const button of ["csv", "json", "csv"]) await saved(page, button);
    await page.waitForTimeout(4500);
    const heard = await page.evaluate(() => heard);
    assert.ok(heard.length >= 2, JSON.stringify(heard));
    heard.slice(1).forEach(([at], i) => assert.ok(at - heard[i][0] >= 1990, JSON.stringify(heard)));
    assert.equal(await page.getAttribute("#live", "aria-live"), "polite");
    await close(page);
  });
});

suite("video", () => {
  test("every frame is analysed at its own time, tracked and smoothed as Python does it; sought, and shown as a timeline", async () => {
    const page = await open();
    await choose(page, "video", media("clip.mp4"));
    const expected = JSON.parse(readFileSync(media("clip.json")));
    await analysed(page);
    const found = await results(page);
    assert.equal(found.length, expected.length);
    for (const [i, result] of found.entries()) {
      assert.deepEqual([result.frame, result.source], [i, "clip.mp4"]);
      assert.ok(Math.abs(result.time_s - expected[i].time_s) <= 0.001, `${result.time_s}, expected ${expected[i].time_s}`);
      assert.deepEqual(result.faces.map(({ track }) => track), expected[i].faces.map(({ track }) => track));
      for (const [j, face] of result.faces.entries()) {
        assert.ok(iou(face.box, expected[i].faces[j].box) > 0.9);
        for (const [name, p] of Object.entries(expected[i].faces[j].smoothed)) assert.ok(Math.abs(face.smoothed[name] - p) < 0.1, `${i} ${name}`);
      }
    }
    assert.ok(await page.isVisible("#timeline"));
    const slider = page.locator("#controls input[type=range]");
    await slider.fill("0.5");
    await until(page, () => document.querySelector("#message").hidden);
    assert.equal((await results(page)).length, expected.length); // what was seen once is not looked at again
    await page.click("#timeline", { position: { x: 4, y: 10 } });
    await until(page, () => Number(document.querySelector("#controls input").value) < 0.1);
    await page.click("#play"); // known by now: at its own pace
    const began = Date.now();
    await analysed(page);
    assert.ok(Date.now() - began > 1500);
    assert.deepEqual(await results(page), found);
    assert.deepEqual(page.failures, []);
    await close(page);
  });

  test("a clip that a phone held upright is shown and analysed upright", async () => {
    const page = await open();
    await choose(page, "video", media("turned.mp4"));
    const expected = JSON.parse(readFileSync(media("turned.json")));
    await analysed(page);
    const found = await results(page);
    assert.equal(found.length, expected.length);
    for (const [i, { width, height, faces }] of found.entries()) {
      assert.deepEqual([width, height, faces.length], [640, 480, 1]); // it is stored 480 wide
      assert.ok(iou(faces[0].box, expected[i].faces[0].box) > 0.9, JSON.stringify(faces[0].box));
    }
    await close(page);
  });

  test("smoothing and threshold hold for what was analysed before; another file, view or place at any moment breaks nothing", async () => {
    const page = await open();
    await choose(page, "video", media("clip.mp4"));
    await analysed(page);
    await setting(page, "smooth", false);
    const [plain] = await results(page);
    assert.equal(plain.faces[0].smoothed, null);
    await setting(page, "threshold", "0.85");
    await until(page, async () => (await import("./main.js")).app.view.count === 1);
    await slowly(page, 80);
    await page.click("#play");
    for (const time_s of [1.2, 0.3, 1.6]) {
      await page.waitForTimeout(300);
      await page.evaluate((time_s) => { const slider = document.getElementById("position"); slider.value = time_s; slider.dispatchEvent(new Event("input")); }, time_s);
    }
    await page.click("#play");
    await page.waitForTimeout(300);
    await show(page, "camera");
    await page.waitForTimeout(400);
    assert.equal(await text(page, "#controls button:visible"), words("en").start);
    assert.ok((await text(page, "#message .words")).includes(words("en").ready));
    await choose(page, "video", media("clip.mp4"));
    await page.waitForTimeout(500);
    await choose(page, "video", media("clip.mp4"));
    await analysed(page);
    const found = await results(page);
    assert.equal(found.length, JSON.parse(readFileSync(media("clip.json"))).length);
    assert.deepEqual([...new Set(found.flatMap(({ faces }) => faces.map(({ track }) => track)))].sort(), [1, 2]);
    assert.ok(await page.isHidden("#message"));
    assert.deepEqual(page.failures, []);
    await close(page);
  });

  test("a browser that cannot decode frames one by one analyses those that it shows", async () => {
    const page = await open();
    await page.evaluate(() => { delete globalThis.VideoDecoder; });
    await choose(page, "video", media("clip.mp4"));
    await analysed(page);
    const found = await results(page);
    assert.ok(found.length >= 2);
    found.forEach(({ faces, time_s, frame }, i) => assert.deepEqual([faces.length, frame, i === 0 || time_s > found[i - 1].time_s], [2, i, true]));
    await close(page);
  });

  test("a file that is no video, and one of sound alone, are refused by name", async () => {
    const page = await open();
    for (const [name, code] of [["broken.mp4", "not-a-video"], ["sound.mp4", "no-frames"], ["none.mp4", "no-frames"]]) {
      await choose(page, "video", media(name));
      await told(page, words("en").errors[code].replace("{name}", name));
    }
    await close(page);
  });
});

suite("around it", () => {
  test("every language has all words, none is shown as its key, and Arabic runs from right to left", async () => {
    const keys = (part, at = "") => Object.entries(part).flatMap(([key, value]) => (typeof value === "string" ? [`${at}${key}`] : Array.isArray(value) ? [`${at}${key}*${value.length}`] : keys(value, `${at}${key}.`)));
    const page = await open();
    await choose(page, "pictures", golden_picture("hopper.jpg"));
    await page.waitForSelector(".card");
    for (const name of LANGUAGES) {
      assert.deepEqual(keys(words(name)).sort(), keys(words("en")).sort(), name);
      await page.evaluate((name) => { const list = document.getElementById("language"); list.value = name; list.dispatchEvent(new Event("input")); }, name);
      await until(page, (word) => document.getElementById("tab-camera").textContent === word, words(name).camera);
      assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), [name, name === "ar" ? "rtl" : "ltr"]);
      assert.equal(await text(page, ".card .emotion"), words(name)[golden["hopper.jpg"].result.faces[0].emotion]);
      assert.equal(await text(page, "#controls .primary"), words(name).choose);
    }
    await show(page, "camera");
    await told(page, words(LANGUAGES.at(-1)).ready);
    await setting(page, "language", "de");
    await told(page, words("de").ready); // also what is being said
    await setting(page, "language", LANGUAGES.at(-1));
    await told(page, words(LANGUAGES.at(-1)).ready);
    await page.reload();
    await page.waitForSelector("html[data-ready=true]");
    assert.equal(await page.getAttribute("html", "lang"), LANGUAGES.at(-1)); // what was chosen is kept
    await close(page);
    const german = await open({ locale: "de-AT" });
    assert.equal(await text(german, "#tab-pictures"), words("de").pictures);
    await close(german);
  });

  test("no view needs to be scrolled sideways from 320 px up, in any language", async () => {
    for (const size of [{ width: 320, height: 568 }, { width: 568, height: 320 }, { width: 768, height: 1024 }]) {
      const page = await open({ viewport: size });
      for (const name of LANGUAGES) {
        await page.evaluate((name) => { const list = document.getElementById("language"); list.value = name; list.dispatchEvent(new Event("input")); }, name);
        await until(page, (name) => document.documentElement.lang === name, name);
        for (const view of VIEWS) {
          await show(page, view);
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} ${view} ${size.width}`);
        }
      }
      await close(page);
    }
  });

  test("axe finds nothing on any view or dialog, in light and dark", async () => {
    const axe = readFileSync(join(WEB, "node_modules", "axe-core", "axe.min.js"), "utf8");
    for (const colorScheme of ["light", "dark"]) {
      const page = await open({ colorScheme, bypassCSP: true });
      await page.evaluate(axe);
      const check = async (what) => {
        const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
        assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], `${what}, ${colorScheme}`);
      };
      await startCamera(page);
      await check("camera");
      await choose(page, "pictures", golden_picture("several.jpg"), golden_picture("hopper.jpg"));
      await stored(page, 2);
      await check("pictures");
      await choose(page, "video", media("clip.mp4"));
      await page.waitForSelector("#timeline:not([hidden])");
      await check("video");
      for (const name of ["settings", "help"]) {
        await page.click(`#${name}-button`);
        await check(name);
        await page.keyboard.press("Escape");
      }
      await page.goto(`${site.address}card.html`);
      await page.evaluate(axe);
      await check("card");
      await close(page);
    }
  });

  test("everything is reached and done by the keyboard alone", async () => {
    const page = await open();
    const at = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
    const reached = [];
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press("Tab");
      reached.push(await at());
    }
    const start = words("en").start;
    for (const id of ["tab-camera", "settings-button", "help-button", start, "save-picture", "save-csv", "save-json", "copy", "clear"])
      assert.ok(reached.includes(id), `${id} in ${reached}`);
    assert.equal(reached[0], words("en").skip);
    await page.focus("#tab-camera");
    await page.keyboard.press("ArrowRight");
    assert.equal(await at(), "tab-pictures");
    assert.equal(await page.getAttribute("#tab-pictures", "aria-selected"), "true");
    await page.keyboard.press("ArrowLeft");
    await page.focus("#settings-button");
    await page.keyboard.press("Enter");
    assert.ok(await page.isVisible("#settings"));
    await page.keyboard.press("Escape");
    assert.ok(await page.isHidden("#settings"));
    assert.equal(await at(), "settings-button");
    await show(page, "camera");
    await startCamera(page);
    await page.focus("#settings-button");
    assert.equal(await at(), "settings-button"); // and no frame takes the focus away
    const outline = await page.evaluate(() => { document.getElementById("help-button").focus({ focusVisible: true }); return getComputedStyle(document.activeElement).outlineStyle; });
    assert.equal(outline, "solid");
    await page.focus("#controls button:visible"); // stop
    for (const word of [words("en").start, words("en").stop]) {
      await page.keyboard.press("Enter");
      await until(page, (word) => document.activeElement.textContent === word, word); // the button that took its place
    }
    await close(page);
  });

  test("a colour that was chosen holds against the device's", async () => {
    const page = await open({ colorScheme: "light" });
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await paper();
    await setting(page, "theme", "dark");
    assert.notEqual(await paper(), light);
    await setting(page, "theme", "light");
    assert.equal(await paper(), light);
    await close(page);
  });

  test("without storage, over plain http and without a connection the page stands and says what to do", async () => {
    const plain = await launch("--host-resolver-rules=MAP mien.test 127.0.0.1");
    try {
      const page = await open({ where: plain, address: `http://mien.test:${site.port}/` });
      await page.click("#controls .primary");
      await told(page, words("en").errors.insecure);
    } finally {
      await plain.close();
    }
    const page = await open({ ready: false, serviceWorkers: "block" });
    await page.addInitScript(() => Object.defineProperty(globalThis, "localStorage", { get() { throw new DOMException("refused", "SecurityError"); } }));
    site.changed["/weights/mien/model.tflite"] = null;
    await page.reload();
    await page.waitForSelector("html[data-ready=true]");
    await setting(page, "theme", "dark");
    await page.context().setOffline(true);
    delete site.changed["/weights/mien/model.tflite"];
    await choose(page, "pictures", golden_picture("hopper.jpg"));
    await told(page, words("en").errors.offline);
    await page.context().setOffline(false);
    await choose(page, "pictures", golden_picture("hopper.jpg"));
    await page.waitForSelector(".card");
    await close(page);
  });

  test("reduced motion is heeded", async () => {
    const page = await open({ reducedMotion: "reduce" });
    await choose(page, "pictures", golden_picture("hopper.jpg"));
    await page.waitForSelector(".card");
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".bar i")).transitionDuration), "0s");
    await close(page);
  });

  test("the picture and the table are copied", async () => {
    const page = await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await choose(page, "pictures", golden_picture("hopper.jpg"));
    await page.waitForSelector(".card");
    await page.click("#copy");
    await until(page, (word) => document.getElementById("answer").textContent === word, words("en").copied);
    const [kinds, table] = await page.evaluate(async () => {
      const [item] = await navigator.clipboard.read();
      return [item.types, await (await item.getType("text/plain")).text()];
    });
    assert.deepEqual([...kinds].sort(), ["image/png", "text/plain"]);
    assert.equal(table, (await saved(page, "csv")).toString());
    await close(page);
  });

  test("only the page's own files are asked for, nothing is sent, and no script from elsewhere runs", async () => {
    const page = await open();
    await startCamera(page);
    await choose(page, "pictures", golden_picture("several.jpg"));
    await page.waitForSelector(".card");
    await page.waitForFunction(() => navigator.serviceWorker.ready);
    const listed = new Set(["", "sw.js", "files.json", ...Object.keys(JSON.parse(readFileSync(join(WEB, "dist", "files.json"))))]);
    for (const request of page.requested.filter((request) => !request.url().startsWith("blob:"))) {
      assert.equal(request.method(), "GET");
      assert.equal(request.postData(), null);
      assert.ok(request.url().startsWith(site.address) && listed.has(request.url().slice(site.address.length)), request.url());
    }
    assert.deepEqual(page.failures, []);
    assert.deepEqual(await page.context().cookies(), []);
    const blocked = await page.evaluate(async () => {
      const broken = [];
      addEventListener("securitypolicyviolation", (event) => broken.push(event.effectiveDirective));
      const script = Object.assign(document.createElement("script"), { textContent: "globalThis.intruded = true" });
      document.body.append(script);
      await fetch("https://example.com/").catch(() => {});
      await new Promise((done) => setTimeout(done, 200));
      return [broken, globalThis.intruded];
    });
    assert.deepEqual([...new Set(blocked[0])].sort(), ["connect-src", "script-src-elem"]);
    assert.equal(blocked[1], undefined);
    await close(page);
  });

  test("works offline after the first visit, from a sub-path too; a new version is offered and taken", async () => {
    const deep = await serve({ base: "/some/where/" });
    const page = await open({ address: deep.address });
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.context().setOffline(true);
    await page.reload();
    await page.waitForSelector("html[data-ready=true]");
    await choose(page, "pictures", golden_picture("astronaut.jpg"));
    await page.waitForSelector(".card");
    await page.context().setOffline(false);
    const worker = readFileSync(join(WEB, "dist", "sw.js"), "utf8");
    const english = JSON.stringify({ ...words("en"), camera: "Kamera two" });
    const sum = createHash("sha256").update(english).digest("hex");
    deep.changed["/languages/en.json"] = english;
    deep.changed["/sw.js"] = worker.replace(/"VERSION":"\w+"/, '"VERSION":"another"').replace(/("languages\/en.json":)"\w+"/, `$1"${sum}"`);
    await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
    await page.waitForSelector("#update:not([hidden])");
    assert.notEqual(await text(page, "#tab-camera"), "Kamera two"); // not before it is wished for
    await page.click("#reload");
    await until(page, () => document.getElementById("tab-camera")?.textContent === "Kamera two");
    await until(page, async () => (await caches.keys()).join().endsWith(" another"));
    await close(page);
    await deep.close();
  });

  test("a damaged network, none at all, and a browser that is too old: a sentence each, and the page stands", async () => {
    const own = await serve();
    const network = "/weights/mien/model.tflite";
    const bytes = readFileSync(join(WEB, "dist", network));
    bytes[9000] ^= 4;
    for (const [body, code] of [[bytes, "model-corrupt"], [null, "model-missing"]]) {
      own.changed[network] = body;
      const page = await open({ address: own.address });
      await choose(page, "pictures", golden_picture("hopper.jpg"));
      await told(page, words("en").errors[code]);
      delete own.changed[network];
      await page.click("#message button"); // and once it is there again
      await page.waitForSelector(".card");
      assert.deepEqual((await results(page)).map(({ source, error }) => [source, error]), [["hopper.jpg", null]]);
      await close(page);
    }
    const old = await launch("--js-flags=--no-enable-sse4-1");
    try {
      const page = await open({ where: old, address: own.address });
      await page.click("#controls .primary");
      await told(page, words("en").errors["no-wasm"]);
    } finally {
      await old.close();
      await own.close();
    }
  });

  test("the help says what a result is not, and leads to the network's card and the licences", async () => {
    const page = await open();
    await page.click("#help-button");
    const help = await text(page, "#help");
    for (const sentence of words("en").helpText) assert.ok(help.includes(sentence));
    for (const [link, part] of [["card.html", "Calibration"], ["licences.txt", "Apache License"]]) {
      const answer = await page.request.get(site.address + link);
      assert.ok((await answer.text()).includes(part));
      assert.equal(await page.locator(`#help a[href="${link}"]`).count(), 1);
    }
    const manifest = await (await page.request.get(`${site.address}manifest.webmanifest`)).json();
    for (const { src, sizes } of manifest.icons.filter(({ type }) => type === "image/png")) {
      const png = await (await page.request.get(site.address + src)).body();
      assert.equal(`${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`, sizes);
    }
    await close(page);
  });
});
