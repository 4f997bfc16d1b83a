// human's driver: detector, mesh and emotion alone, the others of its networks off, each frame looked at anew.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { drive, FACE, loadTf } from "./driver.mjs";

const EMOTIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]; // in src/gear/emotion.ts's order
const off = { enabled: false };

await drive(async (require, modules) => {
  const backend = await loadTf(require, modules);
  const fetched = globalThis.fetch; // Node's reads no files, and human asks for its models by file:// addresses
  globalThis.fetch = async (url, init) =>
    String(url).startsWith("file://") ? new Response(readFileSync(new URL(url))) : fetched(url, init);
  const { Human } = require(join(modules, `@vladmandic/human/dist/human.${backend === "wasm" ? "node-wasm" : "node"}.js`));
  const human = new Human({
    backend, modelBasePath: `file://${join(modules, "@vladmandic/human/models")}/`, debug: false,
    wasmPath: join(modules, "@tensorflow/tfjs-backend-wasm/dist") + "/",
    cacheSensitivity: 0, skipAllowed: false, filter: off, body: off, hand: off, object: off, gesture: off, segmentation: off,
    face: { enabled: true, detector: { maxDetected: 10 }, iris: off, description: off, antispoof: off, liveness: off },
  });
  await human.init();
  await human.load();
  const tf = human.tf;
  const network = human.models.models.emotion;

  async function photo(pixels) {
    const tensor = tf.tensor(pixels, [1, 480, 640, 3], "float32");
    const { face, error } = await human.detect(tensor);
    tensor.dispose();
    if (error) throw new Error(error);
    return face.map((one) => one.emotion?.[0]?.emotion ?? "none");
  }

  // what its predict() does with a crop: to the network's 64x64, -1 to 1
  async function classify(faces) {
    const n = faces.length / FACE;
    const probs = tf.tidy(() => {
      const grey = tf.div(tf.tensor4d(faces, [n, 48, 48, 1], "float32"), 255);
      const [, height, width] = network.inputs[0].shape;
      return network.execute(tf.mul(tf.sub(tf.image.resizeBilinear(grey, [height, width], false), 0.5), 2));
    });
    const rows = await probs.array();
    probs.dispose();
    return rows.map((row) => EMOTIONS[row.indexOf(Math.max(...row))]);
  }

  return { backend: human.tf.getBackend(), photo, classify };
});
