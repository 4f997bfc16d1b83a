// Works offline after the first visit: all files of this version are kept, and a new version replaces them as a whole.
// The build puts the version, and the sha256 of each of its files by path, before the first line.
const { VERSION, FILES } = self.__BUILD ?? { VERSION: "dev", FILES: {} };
const OURS = `mien ${self.registration.scope} `; // two copies on one host do not meddle
const CACHE = OURS + VERSION;

/** All or nothing: a file that came damaged, or is of another version, would stay. */
async function keep() {
  const cache = await caches.open(CACHE);
  await Promise.all(Object.entries(FILES).map(async ([path, sha256]) => {
    const response = await fetch(path, { cache: "no-cache" });
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await response.clone().arrayBuffer()));
    const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (!response.ok || found !== sha256) throw new Error(`${path}: is not of version ${VERSION}`);
    await cache.put(path, response);
  }));
}

async function forgetOthers() {
  const others = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE);
  await Promise.all(others.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function answer(request) {
  const cache = await caches.open(CACHE);
  const path = new URL(request.url).href.replace(/index\.html(?=$|[?#])/, "");
  return (await cache.match(path, { ignoreSearch: true })) ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
self.addEventListener("message", (event) => event.data === "take over" && self.skipWaiting());
self.addEventListener("fetch", (event) => {
  const own = event.request.method === "GET" && event.request.url.startsWith(self.registration.scope);
  if (own) event.respondWith(answer(event.request));
});
