// The core: a WebAssembly instance with the C API, without threads, files or network.
import { KoeMorphError } from "./errors.js";

// (module (func (result v128) i32.const 0 i8x16.splat))
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15,
  11,
]);
const RESULT_CODES = {
  "-1": "invalid_argument",
  "-2": "out_of_memory",
  "-4": "unsupported_model",
  "-5": "invalid_model",
  "-6": "inference_failed",
  "-7": "invalid_state",
};
export const OK = 0;
export const BLENDSHAPE_COUNT = 52;

/** Whether this engine has the 128-bit vectors of WebAssembly. */
export function hasSimd() {
  return WebAssembly.validate(SIMD_PROBE);
}

/** Throw the error that names what is missing where WebAssembly is. */
export function requireWebAssembly() {
  if (typeof WebAssembly === "object") return;
  throw new KoeMorphError(
    "The core cannot start: this browser has no WebAssembly. Allow WebAssembly in its settings " +
      "and in the page's Content-Security-Policy ('wasm-unsafe-eval').",
    "no_webassembly",
  );
}

export class Core {
  /** Instantiate a compiled module. */
  static async create(module) {
    const core = new Core();
    const instance = await WebAssembly.instantiate(module, core.#imports(module));
    core.api = instance.exports;
    core.api._initialize?.();
    core.#scratch = core.api.malloc(BLENDSHAPE_COUNT * 8);
    core.blendshapes = [];
    for (let i = 0; i < BLENDSHAPE_COUNT; i++) {
      core.blendshapes.push(core.text(core.api.koemorph_blendshape_name(i)));
    }
    core.version = core.text(core.api.koemorph_version());
    return core;
  }

  #scratch = 0;
  #audio = { at: 0, size: 0 };

  // Files and environment variables do not exist; only the clock is needed.
  #imports(module) {
    const noSystem = 52; // ENOSYS
    const known = {
      clock_time_get: (id, precision, at) => {
        const now = BigInt(Math.round(performance.now() * 1e6));
        new DataView(this.api.memory.buffer).setBigUint64(at, now, true);
        return 0;
      },
      environ_sizes_get: (countAt, sizeAt) => {
        const view = new DataView(this.api.memory.buffer);
        view.setUint32(countAt, 0, true);
        view.setUint32(sizeAt, 0, true);
        return 0;
      },
      environ_get: () => 0,
      emscripten_notify_memory_growth: () => {},
      proc_exit: (status) => {
        throw new KoeMorphError(`The core stopped with status ${status}.`, "core_stopped");
      },
    };
    const imports = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      if (kind === "function") (imports[from] ??= {})[name] = known[name] ?? (() => noSystem);
    }
    return imports;
  }

  /** Read a C string. */
  text(at) {
    if (at === 0) return null;
    const bytes = new Uint8Array(this.api.memory.buffer);
    return new TextDecoder().decode(bytes.slice(at, bytes.indexOf(0, at)));
  }

  /** Call use(address, size) with a copy of these bytes, or of this text in UTF-8. */
  withBytes(data, use) {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const at = this.api.malloc(bytes.length || 1);
    if (at === 0) throw new KoeMorphError("There is not enough memory.", "out_of_memory");
    new Uint8Array(this.api.memory.buffer).set(bytes, at);
    try {
      return use(at, bytes.length);
    } finally {
      this.api.free(at);
    }
  }

  /** Throw the core's message where a call failed. */
  check(result) {
    if (result >= 0) return result;
    const message = this.text(this.api.koemorph_error_message());
    throw new KoeMorphError(message, RESULT_CODES[result] ?? "failed");
  }

  /** Throw the core's message where a call returned NULL. */
  object(pointer, code) {
    if (pointer !== 0) return pointer;
    throw new KoeMorphError(this.text(this.api.koemorph_error_message()), code);
  }

  loadModel(bytes) {
    return this.withBytes(bytes, (at, size) =>
      this.object(this.api.koemorph_web_model(at, size), "invalid_model"),
    );
  }

  metadata(model) {
    const values = {};
    const read = (key) =>
      this.withBytes(key + "\0", (at) => this.text(this.api.koemorph_model_metadata(model, at)));
    const keys = this.text(this.api.koemorph_model_metadata(model, 0)) ?? "";
    for (const key of keys.split("\n")) if (key) values[key] = read(key);
    return values;
  }

  /** Push mono or interleaved samples. */
  push(stream, samples, channels) {
    if (this.#audio.size < samples.length) {
      this.api.free(this.#audio.at);
      this.#audio = { at: this.api.malloc(4 * samples.length), size: samples.length };
    }
    new Float32Array(this.api.memory.buffer, this.#audio.at, samples.length).set(samples);
    const count = samples.length / channels;
    this.check(this.api.koemorph_stream_push(stream, this.#audio.at, count));
  }

  /** Append all new frames of a stream to an array; return how many. */
  pull(stream, into) {
    const weights = this.#scratch;
    let count = 0;
    while (this.api.koemorph_stream_pull(stream, weights, BLENDSHAPE_COUNT, 0) === OK) {
      const frame = new Float32Array(this.api.memory.buffer, weights, BLENDSHAPE_COUNT);
      for (let i = 0; i < BLENDSHAPE_COUNT; i++) into.push(frame[i]);
      count++;
    }
    return count;
  }

  info(stream) {
    this.check(this.api.koemorph_web_info(stream, this.#scratch));
    const [fps, latency, pushed, dropped, frames] = new Float64Array(
      this.api.memory.buffer,
      this.#scratch,
      5,
    );
    return { fps, latency, pushedSamples: pushed, droppedSamples: dropped, frameCount: frames };
  }
}
