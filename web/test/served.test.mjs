// The page as `mien serve` gives it: node --test test/served.test.mjs
// MIEN_ADDRESS: where it stands; MIEN_MEDIA: a folder with camera.mjpeg, as tests/web/media.py writes it.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { WEB, launch } from "./site.mjs";

const ADDRESS = process.env.MIEN_ADDRESS;
const FAKE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-video-capture=${join(process.env.MIEN_MEDIA, "camera.mjpeg")}`];

test("the served page names a face live and in a picture, under its own policy", async () => {
  const browser = await launch(...FAKE);
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true }); // as one who said: proceed
    const page = await context.newPage();
    const failures = [];
    page.on("pageerror", (error) => failures.push(error.message));
    page.on("console", (message) => /Content Security Policy|Refused to/.test(message.text()) && failures.push(message.text()));
    const answer = await page.goto(ADDRESS);
    const headers = answer.headers();
    assert.match(headers["content-security-policy"], /connect-src 'self'/);
    assert.doesNotMatch(headers["content-security-policy"], /unsafe-inline|https?:/);
    assert.match(headers["permissions-policy"], /camera=\(self\)/);
    assert.deepEqual([headers["x-content-type-options"], headers["referrer-policy"]], ["nosniff", "no-referrer"]);
    await page.waitForSelector("html[data-ready=true]");
    assert.ok(await page.evaluate(() => isSecureContext));
    await page.click("#controls .primary");
    await page.waitForSelector(".card");
    await page.click("#tab-pictures");
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click("#controls button")]);
    await chooser.setFiles(join(WEB, "..", "tests", "golden", "pictures", "astronaut.jpg"));
    await page.waitForFunction(() => document.querySelector(".card .emotion")?.textContent === "happiness");
    assert.deepEqual(failures, []);
  } finally {
    await browser.close();
  }
});
