// face-api's driver: its SSD detector, its alignment by landmarks and its expression network.
import { join } from "node:path";
import { drive, FACE, loadTf } from "./driver.mjs";

await drive(async (require, modules) => {
  const backend = await loadTf(require, modules);
  const faceapi = require(`@vladmandic/face-api/dist/face-api.${backend === "wasm" ? "node-wasm" : "node"}.js`);
  const tf = faceapi.tf;
  await tf.setBackend(backend);
  await tf.ready();
  const models = join(modules, "@vladmandic/face-api/model");
  for (const net of ["ssdMobilenetv1", "faceLandmark68Net", "faceExpressionNet"]) await faceapi.nets[net].loadFromDisk(models);
  const options = new faceapi.SsdMobilenetv1Options();
  const top = (expressions) => expressions.asSortedArray()[0].expression;

  async function photo(pixels) {
    const tensor = tf.tensor3d(pixels, [480, 640, 3], "int32");
    const found = await faceapi.detectAllFaces(tensor, options).withFaceLandmarks().withFaceExpressions();
    tensor.dispose();
    return found.map((face) => top(face.expressions));
  }

  async function classify(faces) {
    const batch = [];
    for (let at = 0; at < faces.length; at += FACE) {
      const grey = faces.subarray(at, at + FACE);
      batch.push(tf.tidy(() => tf.tile(tf.tensor3d(grey, [48, 48, 1], "int32"), [1, 1, 3])));
    }
    const found = await faceapi.nets.faceExpressionNet.predictExpressions(batch);
    tf.dispose(batch);
    return found.map(top);
  }

  return { backend, photo, classify };
});
