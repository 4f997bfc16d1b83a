// Draws page/icon-*.png from page/icon.svg, in Chromium: node icons.mjs (after a change of the drawing)

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WEB, launch } from "./test/site.mjs";

const drawing = readFileSync(join(WEB, "page", "icon.svg"), "utf8");
const ICONS = { "icon-192.png": [192, drawing], "icon-512.png": [512, drawing], "icon-maskable.png": [512, drawing.replace(' rx="15"', "")] };

const browser = await launch();
const page = await browser.newPage();
for (const [name, [side, svg]] of Object.entries(ICONS)) {
  await page.setViewportSize({ width: side, height: side });
  await page.setContent(`<body style="margin:0">${svg.replace("<svg ", `<svg width="${side}" height="${side}" `)}`);
  writeFileSync(join(WEB, "page", name), await page.screenshot({ omitBackground: true }));
}
await browser.close();
