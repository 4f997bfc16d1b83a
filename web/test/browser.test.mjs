// The built recogniser in headless Chromium, against Python's answers: node --test test/browser.test.mjs
// MIEN_CASES: a folder with cases.json, [{file, options, result}], and its pictures, as tests/web/test_browser.py writes it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { agree, iou } from "./agree.mjs";
import { WEB, launch, serve } from "./site.mjs";

const GOLDEN = join(WEB, "..", "tests", "golden");
const CASES = process.env.MIEN_CASES;
const golden = JSON.parse(readFileSync(join(GOLDEN, "golden.json"))).pictures;
const listed = JSON.parse(readFileSync(join(WEB, "dist", "files.json")));

let browser, site;

before(async () => {
  const pages = { "/blank.html": "<!doctype html><title>blank</title><body>", "/example.html": readFileSync(join(WEB, "example.html")) };
  site = await serve({ pages, folders: { "/pictures/": join(GOLDEN, "pictures"), "/cases/": CASES } });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await site?.close();
});

/** A blank page of the site, with its requests and what it complained of. */
async function open(path = "blank.html", where = browser, address = site.address) {
  const page = await where.newPage();
  Object.assign(page, { requested: [], failures: [] });
  page.on("request", (request) => page.requested.push(request.url()));
  page.on("pageerror", (error) => page.failures.push(error.message));
  page.on("console", (message) => /Content Security Policy|Refused to/.test(message.text()) && page.failures.push(message.text()));
  await page.goto(address + path);
  await page.evaluate(() => {
    globalThis.load = async (options = {}) => {
      const { Recognizer } = await import("/recognizer/recognizer.js");
      return Recognizer.load({ base: "/", ...options });
    };
    globalThis.pixels = async (path) => {
      const picture = await createImageBitmap(await (await fetch(path)).blob());
      const pen = new OffscreenCanvas(picture.width, picture.height).getContext("2d", { willReadFrequently: true });
      pen.drawImage(picture, 0, 0);
      return pen.getImageData(0, 0, picture.width, picture.height);
    };
  });
  return page;
}

/** The code of the MienError that loading throws. */
const codeOf = (page, options = {}) =>
  page.evaluate((given) => load(given).then(() => "loaded", (error) => (error.name === "MienError" ? error.code : String(error))), options);

test("the golden pictures, decoded by the browser, get Python's answers", async () => {
  const page = await open();
  await page.evaluate(async () => { globalThis.recognizer = await load(); });
  for (const [name, { result }] of Object.entries(golden)) {
    const found = await page.evaluate(async (name) => recognizer.predict(await pixels(`/pictures/${name}`), { source: name }), name);
    agree(found, result, name);
    assert.deepEqual([found.source, found.model], [name, result.model]);
  }
  assert.deepEqual(page.failures, []);
});

test("the same pixels get the same answers with any option, detector and size", async () => {
  const page = await open();
  for (const { file, detector, options, result } of JSON.parse(readFileSync(join(CASES, "cases.json")))) {
    const found = await page.evaluate(async ({ file, detector, options }) => {
      const recognizer = await load({ detector });
      const answer = await recognizer.predict(await pixels(`/cases/${file}`), options);
      recognizer.delete();
      return answer;
    }, { file, detector, options });
    agree(found, result, `${file} ${detector} ${JSON.stringify(options)}`);
  }
});

test("pixels may be RGBA, RGB or a smaller copy; a square belongs to each face, and stays out of JSON", async () => {
  const page = await open();
  const [rgba, rgb, half, plain] = await page.evaluate(async () => {
    const recognizer = await load();
    const { shrink } = await import("/recognizer/pixels.js");
    const picture = await pixels("/pictures/several.jpg");
    const { data, width, height } = picture;
    const three = { data: data.filter((_, i) => i % 4 < 3), width, height };
    const answers = [];
    for (const [image, options] of [[picture], [three], [shrink({ ...picture, data, width, height, channels: 4 }, 400), { width, height }]]) {
      const answer = await recognizer.predict(image, options);
      answers.push({ ...answer, squares: answer.squares });
    }
    return [...answers, JSON.stringify(await recognizer.predict(three))];
  });
  assert.deepEqual(rgb, rgba);
  assert.ok(!plain.includes("squares"));
  assert.equal(half.faces.length, rgba.faces.length);
  for (const [i, face] of rgba.faces.entries()) {
    const other = half.faces.find(({ box }) => iou(box, face.box) > 0.85);
    assert.ok(other, `${JSON.stringify(face.box)} in ${JSON.stringify(half.faces)}`);
    const { left, top, side, turn_deg } = rgba.squares[i];
    assert.deepEqual([Math.round(left), Math.round(top), Math.round(side)], [face.box.x, face.box.y, face.box.width]);
    assert.ok(Math.abs(turn_deg) < 30);
  }
  assert.equal(half.width, 640);
});

test("classify takes faces of any size and gives Python's rows, in the order of the emotions", async () => {
  const page = await open();
  const expected = JSON.parse(readFileSync(join(CASES, "faces.json")));
  const { rows, none } = await page.evaluate(async (names) => {
    const recognizer = await load();
    const faces = await Promise.all(names.map((name) => pixels(`/cases/${name}`)));
    return { rows: await recognizer.classify(faces), none: await recognizer.classify([]) };
  }, Object.keys(expected));
  assert.deepEqual(none, []);
  Object.entries(expected).forEach(([name, row], i) => row.forEach((p, k) => assert.ok(Math.abs(rows[i][k] - p) <= 1e-3, `${name}: ${rows[i]}`)));
});

test("every tensor of 300 frames is freed, and memory stays", async () => {
  const page = await open();
  const { tensors, left, grown } = await page.evaluate(async () => {
    const recognizer = await load();
    const picture = await pixels("/pictures/grey.png");
    const { CompiledModel, Tensor, getGlobalLiteRt } = await import("/litert/core/index.js");
    let [tensors, left, run] = [0, 0, CompiledModel.prototype.run];
    const seen = (all) => all.forEach((tensor) => {
      if (!(tensor instanceof Tensor)) throw new Error("not a tensor");
      tensors++;
      left++;
      const free = tensor.delete;
      tensor.delete = () => { left--; free.call(tensor); };
    });
    CompiledModel.prototype.run = async function (inputs) {
      seen(inputs);
      const outputs = await run.call(this, inputs);
      seen(outputs);
      return outputs;
    };
    const bytes = () => getGlobalLiteRt().liteRtWasm.HEAPU8.byteLength;
    for (let i = 0; i < 20; i++) await recognizer.predict(picture);
    const before = bytes();
    for (let i = 0; i < 280; i++) await recognizer.predict(picture);
    return { tensors, left, grown: bytes() - before };
  });
  assert.equal(tensors, 300 * (3 + 2)); // the detector's input and two outputs, the classifier's input and output
  assert.equal(left, 0);
  assert.equal(grown, 0);
});

test("nothing is asked for but the page's own files, and nothing is sent", async () => {
  const page = await open();
  const sent = [];
  page.on("request", (request) => request.method() !== "GET" && sent.push(request.url()));
  await page.evaluate(async () => {
    const recognizer = await load();
    for (let i = 0; i < 3; i++) await recognizer.predict(await pixels("/pictures/several.jpg"));
  });
  const paths = page.requested.filter((url) => !url.startsWith("blob:")).map((url) => new URL(url));
  assert.ok(paths.every((url) => url.origin === new URL(site.address).origin));
  const own = (path) => path in listed || path.startsWith("pictures/") || path === "blank.html" || path === "favicon.ico";
  assert.deepEqual(paths.map((url) => url.pathname.slice(1)).filter((path) => !own(path)), []);
  assert.deepEqual([sent, page.failures], [[], []]);
});

test("progress goes from 0 to 1, and recognisers share one runtime", async () => {
  const page = await open();
  const { shares, same } = await page.evaluate(async () => {
    const shares = [];
    const both = await Promise.all([load({ onProgress: (share) => shares.push(share) }), load({ detector: "short_range" })]);
    const picture = await pixels("/pictures/astronaut.jpg");
    const [one, other] = await Promise.all(both.map((recognizer) => recognizer.predict(picture)));
    return { shares, same: one.faces[0].emotion === other.faces[0].emotion };
  });
  assert.deepEqual(shares, [0.2, 0.4, 0.6, 0.8, 1]);
  assert.ok(same);
});

test("a file that is damaged, missing or out of reach, and an unknown detector, have a code each", async () => {
  const page = await open();
  const path = "/weights/mien/model.tflite";
  const bytes = readFileSync(join(WEB, "dist", path));
  bytes[5000] ^= 1;
  for (const [body, code] of [[bytes, "model-corrupt"], [null, "model-missing"]]) {
    site.changed[path] = body;
    assert.equal(await codeOf(page), code);
  }
  delete site.changed[path];
  site.changed["/weights/blazeface/detectors.json"] = "<!doctype html>";
  assert.equal(await codeOf(page), "model-corrupt");
  delete site.changed["/weights/blazeface/detectors.json"];
  await page.context().setOffline(true);
  assert.equal(await codeOf(page), "offline");
  await page.context().setOffline(false);
  assert.equal(await codeOf(page, { detector: "fullrange" }), "usage");
  assert.equal(await codeOf(page), "loaded"); // what went wrong before is forgotten
  const problems = await page.evaluate(async () => {
    const recognizer = await load();
    const grey = { data: new Uint8Array(12), width: 4, height: 3 };
    const given = [[null], [{ ...grey, width: 5 }], [{ ...grey, data: new Float32Array(12) }], [grey, { threshold: 2 }], [grey, { max_faces: 0 }]];
    return Promise.all(given.map(([image, options]) => recognizer.predict(image, options).then(() => "answered", ({ code }) => code)));
  });
  assert.deepEqual(problems, ["not-pixels", "not-pixels", "not-pixels", "usage", "usage"]);
});

test("LiteRT itself out of reach is offline", async () => {
  const page = await open();
  site.changed["/litert/wasm/litert_wasm_compat_internal.js"] = null;
  assert.equal(await codeOf(page), "offline");
  delete site.changed["/litert/wasm/litert_wasm_compat_internal.js"];
  assert.equal(await codeOf(page), "loaded");
});

test("a processor without SIMD, and a page over plain http, have a code each", async () => {
  const old = await launch("--js-flags=--no-enable-sse4-1", "--host-resolver-rules=MAP mien.test 127.0.0.1");
  try {
    assert.equal(await codeOf(await open("blank.html", old)), "no-wasm");
  } finally {
    await old.close();
  }
  const plain = await launch("--host-resolver-rules=MAP mien.test 127.0.0.1");
  try {
    assert.equal(await codeOf(await open("blank.html", plain, `http://mien.test:${site.port}/`)), "insecure");
  } finally {
    await plain.close();
  }
});

test("the guide's lines for a camera number, follow and smooth a face", async () => {
  const [, code] = readFileSync(join(WEB, "..", "docs", "phone.md"), "utf8").match(/```js\n([^]*?)```/);
  const module = code.replaceAll('"./recognizer/', '"/recognizer/').concat("\nexport { frame };");
  site.changed["/guide.js"] = `import { Recognizer } from "/recognizer/recognizer.js";\nconst recognizer = await Recognizer.load({ base: "/" });\n${module}`;
  const page = await open();
  const found = await page.evaluate(async () => {
    const { frame } = await import("/guide.js");
    const picture = await pixels("/pictures/hopper.jpg");
    const results = [];
    for (let i = 0; i < 12; i++) results.push(await frame(picture, i / 30));
    return results;
  });
  const { result } = golden["hopper.jpg"];
  for (const { faces } of found) {
    assert.deepEqual(faces.map(({ track }) => track), [1]);
    agree({ ...found[0], faces: [(({ row, ...face }) => ({ ...face, track: null }))(faces[0])] }, result, "hopper.jpg");
    assert.ok(Math.abs(faces[0].row.reduce((sum, p) => sum + p, 0) - 1) < 1e-9);
  }
});

test("the example page names the face of a picture that was chosen", async () => {
  const page = await browser.newPage();
  const failures = [];
  page.on("pageerror", (error) => failures.push(error.message));
  await page.goto(`${site.address}example.html`);
  await page.waitForFunction(() => document.getElementById("out").textContent === "choose a picture");
  for (const [name, words] of [["astronaut.jpg", "happiness >99%"], ["no-face.jpg", "no face"]]) {
    await page.setInputFiles("#file", join(GOLDEN, "pictures", name));
    await page.waitForFunction((text) => document.getElementById("out").textContent === text, words);
  }
  assert.deepEqual(failures, []);
});
