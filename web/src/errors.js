/**
 * What mien throws. message: English, what was wrong, what was expected and what to do. code, for a page's own words:
 *
 *     no-wasm         the browser cannot run the networks: no WebAssembly, or none with SIMD
 *     insecure        the page came over plain http, where browsers check no sums
 *     offline         a file could not be fetched
 *     model-missing   a file is not where it should be (`base` or `litert` is wrong, or the server says no)
 *     model-corrupt   a file is not the one that was published, or no network
 *     not-pixels      predict or classify got something else than pixels
 *     usage           an unknown detector, an option out of its range, frames that go back in time
 */
export class MienError extends Error {
  name = "MienError";

  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
