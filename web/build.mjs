// Builds the page: node build.mjs (make web). What it writes to dist/, and to src/mien/serving/page for the wheel:
//
//     index.html, main.js, …         page/
//     recognizer/                    src/
//     litert/core, wasm-utils        the modules of the two npm packages;  litert/wasm/: LiteRT's own files
//     mediabunny.js                  reads video files
//     weights/mien, blazeface        from src/mien/weights
//     card.html, licences.txt        the network's card; whose what is
//     files.json                     each file's size and sha256
//
// Imports of packages become relative ones, so that no page needs an import map.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { marked } from "marked";

const WEB = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(WEB);
const DIST = join(WEB, "dist");
const SHIPPED = join(ROOT, "src", "mien", "serving", "page");
const PACKAGES = join(WEB, "node_modules");
const MOST_BYTES = 4e6;
const MODULES = { "@litertjs/core": "litert/core/index.js", "@litertjs/wasm-utils": "litert/wasm-utils/index.js", mediabunny: "mediabunny.js" };

/** Folders and files: where they come from, and where they stand. */
const PARTS = [
  ["web/page", "."],
  ["web/src", "recognizer"],
  ...["core", "wasm-utils"].map((name) => [`web/node_modules/@litertjs/${name}/dist/index.js`, `litert/${name}/index.js`]),
  ...["js", "wasm"].map((kind) => `litert_wasm_compat_internal.${kind}`)
    .map((file) => [`web/node_modules/@litertjs/core/wasm/${file}`, `litert/wasm/${file}`]),
  ["web/node_modules/mediabunny/dist/bundles/mediabunny.min.mjs", "mediabunny.js"],
  ...["mien/model.json", "mien/model.tflite", "blazeface/detectors.json", "blazeface/full_range.tflite", "blazeface/short_range.tflite"]
    .map((file) => [`src/mien/weights/${file}`, `weights/${file}`]),
];

function build() {
  if (!existsSync(PACKAGES)) throw new Error("web/node_modules is missing: run make web, or npm install in web/.");
  rmSync(DIST, { recursive: true, force: true });
  for (const [from, to] of PARTS) if (existsSync(join(ROOT, from))) copy(join(ROOT, from), join(DIST, to));
  for (const file of files().filter((name) => name.endsWith(".js"))) relink(file);
  writeFileSync(join(DIST, "licences.txt"), licences());
  writeFileSync(join(DIST, "card.html"), card());
  stampWorker();
  writeFileSync(join(DIST, "files.json"), `${JSON.stringify(listing(), null, 1)}\n`);
  rmSync(SHIPPED, { recursive: true, force: true });
  copy(DIST, SHIPPED);
}

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true });
}

/** Paths of all files of dist/, sorted. */
function files() {
  const entries = readdirSync(DIST, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => relative(DIST, join(entry.parentPath ?? entry.path, entry.name)).replaceAll("\\", "/")).sort();
}

/** Packages by their place in dist/, and no pointer to a source map that is not there. */
function relink(file) {
  const path = join(DIST, file);
  let text = readFileSync(path, "utf8");
  for (const [name, place] of Object.entries(MODULES))
    text = text.replaceAll(`from "${name}"`, () => `from "${relativeUrl(dirname(file), place)}"`);
  writeFileSync(path, text.replace(/^\/\/# sourceMappingURL=.*$/m, ""));
}

function relativeUrl(from, to) {
  const path = relative(from, to).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}

function licences() {
  const read = (name) => JSON.parse(readFileSync(join(PACKAGES, name, "package.json"), "utf8"));
  const versions = ["core", "wasm-utils"].map((name) => {
    const { version, license } = read(`@litertjs/${name}`);
    return `litert/: @litertjs/${name} ${version}, Copyright Google LLC, ${license}; imports made relative, nothing else changed.`;
  });
  const { version } = read("mediabunny");
  versions.push(`mediabunny.js: mediabunny ${version}, Copyright Vanilagy and contributors, MPL-2.0, unchanged; its source: https://github.com/Vanilagy/mediabunny`);
  const texts = ["NOTICE", "src/mien/weights/mien/NOTICE", "src/mien/weights/blazeface/NOTICE", "LICENSE", "web/node_modules/mediabunny/LICENSE"];
  return [...versions, ...texts.map((name) => join(ROOT, name)).filter(existsSync).map((path) => readFileSync(path, "utf8"))].join("\n\n");
}

/** The network's card as a page beside index.html, under the same policy. */
function card() {
  const [head] = readFileSync(join(WEB, "page", "index.html"), "utf8").match(/<meta http-equiv="Content-Security-Policy"[^>]*>/);
  let tables = 0;
  const text = marked.parse(readFileSync(join(ROOT, "src", "mien", "weights", "mien", "CARD.md"), "utf8"))
    .replaceAll("<th></th>", "<td></td>")
    .replace(/<table>[^]*?<\/table>/g, (table) => `<div class="wide" tabindex="0" role="region" aria-label="Table ${++tables}">${table}</div>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${head}
<title>mien: the network's card</title>
<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="style.css">
<main class="text">
<p><a href="./">mien</a></p>
${text}</main>
</html>
`;
}

/** The service worker is told what there is, and a version that is another whenever a file is. */
function stampWorker() {
  const path = join(DIST, "sw.js");
  if (!existsSync(path)) return;
  const used = ([file]) => file !== "sw.js" && !file.endsWith("short_range.tflite"); // that is for pages of others
  const sums = Object.entries(listing()).filter(used).map(([file, { sha256 }]) => [file === "index.html" ? "./" : file, sha256]);
  const stamp = JSON.stringify({ VERSION: sha256(Buffer.from(JSON.stringify(sums))).slice(0, 12), FILES: Object.fromEntries(sums) });
  writeFileSync(path, `self.__BUILD = ${stamp};\n${readFileSync(path, "utf8")}`);
}

function listing() {
  return Object.fromEntries(files().map((file) => {
    const data = readFileSync(join(DIST, file));
    return [file, { bytes: data.length, sha256: sha256(data) }];
  }));
}

const sha256 = (data) => createHash("sha256").update(data).digest("hex");

/** Bytes of all files together, as they are and as servers compress them. */
function sizes() {
  const all = files().map((file) => readFileSync(join(DIST, file)));
  const total = (pack) => all.reduce((sum, data) => sum + pack(data).length, 0);
  return { plain: total((data) => data), gzip: total((data) => gzipSync(data, { level: 9 })), brotli: total((data) => brotliCompressSync(data)) };
}

build();
const { plain, gzip, brotli } = sizes();
const mb = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
console.log(`${files().length} files in web/dist: ${mb(plain)}, as gzip ${mb(gzip)}, as brotli ${mb(brotli)}`);
if (brotli > MOST_BYTES) {
  console.error(`more than ${mb(MOST_BYTES)} compressed; see what has grown in web/dist/files.json`);
  process.exitCode = 1;
}
