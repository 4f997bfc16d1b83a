// The networks' files, checked, and LiteRT.js, which runs them. It is loaded once a page, whoever asks.

import * as litert from "@litertjs/core";
import { MienError } from "./errors.js";

/** A function of one SIMD instruction: no browser without it runs LiteRT. */
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

/** LiteRT's own WebAssembly from that folder. Throws MienError: no-wasm, offline. */
export async function loadRuntime(folder) {
  if (!globalThis.WebAssembly?.validate(Uint8Array.from(SIMD)))
    throw new MienError("no-wasm", "this browser has no WebAssembly with SIMD; update it, or use another.");
  try {
    // The build without relaxed SIMD gives the same answers on every device.
    await (litert.getGlobalLiteRtPromise() ?? litert.loadLiteRt(new URL("litert_wasm_compat_internal.js", folder).href));
  } catch (error) {
    throw new MienError("offline", `${folder}: LiteRT cannot be loaded (${error.message ?? error.type ?? error}); try again.`);
  }
}

/** A .tflite file with one input. */
export class Network {
  #model;
  #shape;

  /** Fetches it, checks its sha256, and waits for `runtime`. Throws MienError: insecure, offline, model-missing, model-corrupt. */
  static async load(url, sha256, runtime) {
    const bytes = await fetchChecked(url, sha256);
    await runtime;
    try {
      return new Network(await litert.loadAndCompile(bytes, { accelerator: "wasm" }));
    } catch (error) {
      throw new MienError("model-corrupt", `${url}: is not a LiteRT graph (${error.message ?? error}).`);
    }
  }

  constructor(model) {
    this.#model = model;
    this.#shape = [...model.getInputDetails()[0].shape];
  }

  /** The outputs, a Float32Array each. LiteRT.js cannot resize an input: it takes what the file says, one picture. */
  async run(values) {
    const input = new litert.Tensor(values, this.#shape);
    try {
      const outputs = await this.#model.run([input]);
      try {
        return outputs.map((output) => output.toTypedArray());
      } finally {
        for (const output of outputs) output.delete();
      }
    } finally {
      input.delete();
    }
  }

  /** Frees its memory. */
  delete() {
    this.#model.delete();
  }
}

/** A JSON file. Throws MienError: offline, model-missing, model-corrupt. */
export async function fetchJson(url) {
  const text = new TextDecoder().decode(await fetchBytes(url));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MienError("model-corrupt", `${url}: is not JSON (${error.message}); copy it there again.`);
  }
}

async function fetchChecked(url, sha256) {
  if (!globalThis.crypto?.subtle)
    throw new MienError("insecure", "this page came over plain http, where browsers check no sums; open it over https.");
  const bytes = await fetchBytes(url);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== sha256)
    throw new MienError("model-corrupt", `${url}: sha256 is ${found.slice(0, 12)}…, published as ${sha256.slice(0, 12)}…; copy it there again.`);
  return bytes;
}

async function fetchBytes(url) {
  let response;
  try {
    response = await fetch(url);
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new MienError("offline", `${url}: cannot be fetched (${error.message}); check the connection and try again.`);
  }
  throw new MienError("model-missing", `${url}: cannot be fetched (${response.status}); check \`base\`, or copy the file there again.`);
}
