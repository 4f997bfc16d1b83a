// What benchmarks/page.py asks: node benchmark.mjs FOLDER, then lines on stdin, each answered by a line of JSON.
//
//     live FILE COUNT       median ms of a frame of the live view, from the grab to the drawn canvas, as the camera's own are
//     classify FILE COUNT   median ms of classifying one face of 48x48
//     flat FILE COUNT       memory after a tenth of so many frames of the live view, and at their end
//     first FILE            ms from a fresh load of the page, nothing in a cache, to the card of that picture

import { join } from "node:path";
import { createInterface } from "node:readline";
import { launch, serve } from "./test/site.mjs";

const FOLDER = process.argv[2];
const site = await serve({ folders: { "/frames/": FOLDER } });
const browser = await launch("--js-flags=--expose-gc", "--enable-precise-memory-info");

async function open() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(site.address);
  await page.waitForSelector("html[data-ready=true]");
  return page;
}

/** In the page: a function that analyses and shows the picture once. */
const prepare = async (file) => {
  const { app, views } = await import("/main.js");
  views.camera.analyser = await app.analyser(views.camera);
  const bitmap = await createImageBitmap(await (await fetch(`/frames/${file}`)).blob());
  const source = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
  source.getContext("2d").drawImage(bitmap, 0, 0);
  globalThis.frame = async () => {
    const start = performance.now();
    await views.camera.look(source, start);
    app.canvas.getContext("2d").getImageData(0, 0, 1, 1); // until it is drawn, not only asked for
    return performance.now() - start;
  };
};

const median = (values) => [...values].sort((one, other) => one - other)[values.length >> 1];

const answers = {
  async live(page, file, count) {
    await page.evaluate(prepare, file);
    const ms = await page.evaluate(async (count) => {
      const ms = [];
      for (let i = 0; i < count; i++) {
        ms.push(await frame());
        await new Promise(requestAnimationFrame);
      }
      return ms;
    }, Number(count));
    return { ms: median(ms), faces: await page.locator(".card").count() };
  },

  async classify(page, file, count) {
    const ms = await page.evaluate(async ([file, count]) => {
      const { app, views } = await import("/main.js");
      const { recognizer } = await app.analyser(views.camera);
      const bitmap = await createImageBitmap(await (await fetch(`/frames/${file}`)).blob());
      const pen = new OffscreenCanvas(48, 48).getContext("2d");
      pen.drawImage(bitmap, 0, 0);
      const { data } = pen.getImageData(0, 0, 48, 48);
      const face = { data: data.filter((_, i) => i % 4 === 0), width: 48, height: 48 };
      const ms = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await recognizer.classify([face]);
        ms.push(performance.now() - start);
      }
      return ms;
    }, [file, Number(count)]);
    return { ms: median(ms) };
  },

  async flat(page, file, count) {
    await page.evaluate(prepare, file);
    return page.evaluate(async (count) => {
      const { getGlobalLiteRt } = await import("/litert/core/index.js");
      const { views } = await import("/main.js");
      const memory = () => {
        gc();
        return { wasm_mb: getGlobalLiteRt().liteRtWasm.HEAPU8.byteLength / 1e6, heap_mb: performance.memory.usedJSHeapSize / 1e6 };
      };
      let early;
      for (let i = 0; i < count; i++) {
        await frame();
        if (i === Math.floor(count / 10)) early = memory();
      }
      const late = memory();
      views.camera.clear(); // the recording, which is meant to grow
      return { frames: count, early, late, without_recording: memory() };
    }, Number(count));
  },

  async first(_, file) {
    const start = performance.now();
    const page = await open();
    await page.click("#tab-pictures");
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click("#controls button")]);
    await chooser.setFiles([join(FOLDER, file)]);
    await page.waitForSelector(".card");
    const ms = performance.now() - start;
    await page.context().close();
    return { ms };
  },
};

const page = await open();
console.log(JSON.stringify({ ready: browser.version() }));
for await (const line of createInterface({ input: process.stdin })) {
  const [what, ...rest] = line.split(" ");
  console.log(JSON.stringify(await answers[what](page, ...rest)));
}
await browser.close();
await site.close();
