// What driver.py does, for peers under Node: node with_NAME.mjs JOB.json. Frames come decoded, as raw RGB: Node reads no video.
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const FACES = 64, ONCE_MS = 3000, LEAST = 3, MOST = 200;
export const FACE = 48 * 48;
const FRAME = 480 * 640 * 3;

/** Does the job that the command line names. load: (job, require, modules) -> {classify, photo, backend}; both give top emotions. */
export async function drive(load) {
  const job = JSON.parse(readFileSync(process.argv[2], "utf8"));
  console.log = console.error;
  let found;
  try {
    const modules = join(job.env, "node_modules");
    const peer = await load(createRequire(join(job.env, "package.json")), modules);
    found = { ...(await TASKS[job.task](peer, job)), backend: peer.backend };
  } catch (error) {
    found = { error: String(error) };
  }
  process.stdout.write(JSON.stringify({ ...found, peak_mb: peakMb() }) + "\n", () => process.exit(0));
}

/** tfjs of the environment on the quickest backend that it has, as both peers need it before they are loaded. */
export async function loadTf(require, modules) {
  let native = true;
  try {
    require("@tensorflow/tfjs-node");
  } catch {
    native = false;
    require("@tensorflow/tfjs");
    require("@tensorflow/tfjs-backend-wasm").setWasmPaths(join(modules, "@tensorflow/tfjs-backend-wasm/dist") + "/");
  }
  return native ? "tensorflow" : "wasm";
}

const TASKS = {
  first: async (peer, job) => ({ emotions: await peer.photo(readFileSync(job.photo)), of: "photo" }),
  times: async (peer, job) => {
    const faces = readFileSync(job.faces).subarray(0, FACES * FACE), photo = readFileSync(job.photo);
    return {
      one: await time(() => peer.classify(faces.subarray(0, FACE))),
      many: await time(() => peer.classify(faces)),
      photo: await time(() => peer.photo(photo)),
    };
  },
  clip: async (peer, job) => {
    const file = openSync(job.raw_clip, "r"), frame = Buffer.alloc(FRAME), start = performance.now();
    let frames = 0, faces = 0;
    while (performance.now() - start < job.seconds * 1000 && readSync(file, frame) === FRAME) {
      faces += (await peer.photo(frame)).length;
      frames += 1;
    }
    closeSync(file);
    return { frames, faces, s: (performance.now() - start) / 1000 };
  },
  classify: async (peer, job) => {
    const all = readFileSync(job.faces), emotions = [];
    for (let at = 0; at < all.length; at += FACES * FACE) emotions.push(...(await peer.classify(all.subarray(at, at + FACES * FACE))));
    return { emotions };
  },
};

/** Median in milliseconds; the first call is dropped. */
async function time(call) {
  await call();
  const taken = [];
  let sum = 0;
  while (taken.length < LEAST || (sum < ONCE_MS && taken.length < MOST)) {
    const start = performance.now();
    await call();
    taken.push(performance.now() - start);
    sum += taken.at(-1);
  }
  taken.sort((a, b) => a - b);
  const middle = taken.length >> 1;
  return { ms: taken.length % 2 ? taken[middle] : (taken[middle - 1] + taken[middle]) / 2, calls: taken.length };
}

/** Of this program alone, as in driver.py. */
function peakMb() {
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 100) / 10;
}
