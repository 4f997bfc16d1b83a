// The built page on loopback, as `mien serve` gives it: dist/, and beside it what a test adds.

import { createHash } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const WEB = fileURLToPath(new URL("..", import.meta.url));
const TYPES = {
  ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".css": "text/css", ".svg": "image/svg+xml",
  ".wasm": "application/wasm", ".png": "image/png", ".jpg": "image/jpeg", ".txt": "text/plain", ".webmanifest": "application/manifest+json",
};

/** What pages may do: load and ask for their own files only; of scripts in them those that stand in `html`. */
function policy(html = "") {
  const inline = [...String(html).matchAll(/<script[^>]*>([^]*?)<\/script>/g)].map(([, script]) => sha256(script));
  const scripts = ["'self'", "'wasm-unsafe-eval'", ...inline.map((sum) => `'sha256-${sum}'`)].join(" ");
  return `default-src 'self'; script-src ${scripts}; connect-src 'self'; img-src 'self' blob: data:; media-src blob:; base-uri 'none'`;
}

const sha256 = (text) => createHash("sha256").update(text).digest("base64");

/**
 * Serves dist/ at `base`, and under their paths the texts of `pages` and the files of `folders`. changed, in what it gives:
 * path -> what is sent instead of a file; null: 404.
 */
export async function serve({ base = "/", pages = {}, folders = {} } = {}) {
  const changed = {};
  const server = createServer((request, response) => {
    const asked = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const path = asked.startsWith(base) ? asked.slice(base.length - 1).replace(/^\/$/, "/index.html") : "/outside";
    const headers = { "content-type": TYPES[extname(path)] ?? "application/octet-stream", "x-content-type-options": "nosniff" };
    const folder = Object.keys(folders).find((start) => path.startsWith(start));
    const file = folder ? join(folders[folder], path.slice(folder.length)) : join(WEB, "dist", path);
    const body = changed[path] ?? pages[path];
    response.setHeader("content-security-policy", policy(pages[path]));
    if (body !== undefined) return response.writeHead(200, headers).end(body);
    if (path in changed || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    createReadStream(file).pipe(response.writeHead(200, headers));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  server.unref(); // a test that failed leaves it open
  const close = () => new Promise((done) => { server.close(done); server.closeAllConnections(); });
  return { port: server.address().port, address: `http://127.0.0.1:${server.address().port}${base}`, changed, close };
}

export const launch = (...args) =>
  chromium.launch({
    executablePath: process.env.MIEN_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", ...args],
  });
