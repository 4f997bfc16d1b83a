// Takes docs/images/page-*.jpg from the built page, in Chromium: node pictures.mjs MEDIA
// MEDIA: a folder as tests/web/media.py writes it; the people in it are NASA's and the US Navy's, public domain.

import { join } from "node:path";
import { WEB, launch, serve } from "./test/site.mjs";

const MEDIA = process.argv[2];
const OUT = join(WEB, "..", "docs", "images");
const FAKE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-video-capture=${join(MEDIA, "camera.mjpeg")}`];

const site = await serve();
const browser = await launch(...FAKE);

async function open(options) {
  const page = await (await browser.newContext(options)).newPage();
  await page.goto(site.address);
  await page.waitForSelector("html[data-ready=true]");
  return page;
}

const phone = await open({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2, colorScheme: "dark" });
await phone.click("#controls .primary");
await phone.waitForSelector(".card");
await phone.waitForTimeout(8000);
await phone.screenshot({ path: join(OUT, "page-phone.jpg"), quality: 75 });

const desk = await open({ viewport: { width: 1100, height: 760 }, colorScheme: "light" });
await desk.click("#tab-video");
const [chooser] = await Promise.all([desk.waitForEvent("filechooser"), desk.click("#controls button")]);
await chooser.setFiles(join(MEDIA, "clip.mp4"));
await desk.waitForSelector("#play:visible");
await desk.waitForFunction(() => document.getElementById("play").textContent === "Play", null, { timeout: 60_000 });
await desk.screenshot({ path: join(OUT, "page-video.jpg"), quality: 80 });

await browser.close();
await site.close();
