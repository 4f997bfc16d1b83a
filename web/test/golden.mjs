// What Python answered (written by web/golden.py), and the pixels that it was asked about.

import { readFileSync } from "node:fs";

export const read = (name) => JSON.parse(readFileSync(new URL(`../../tests/golden/web/${name}`, import.meta.url)));

export const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
export const floats = (text) => new Float32Array(bytes(text).buffer);

/** As web/golden.py: rough and smooth places. */
export function pattern(width, height, channels = 3) {
  const data = new Uint8ClampedArray(width * height * channels);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++, at++)
        data[at] = (x * x * 3 + x * y * 5 + y * y * 7 + c * 50 + x * 11 + Math.trunc(x / 8) * Math.trunc(y / 8) * 29) % 256;
  return { data, width, height, channels };
}

/** RGB with an opaque alpha, as a canvas gives it. */
export function opaque({ data, width, height }) {
  const out = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) out.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
  return { data: out, width, height, channels: 4 };
}
