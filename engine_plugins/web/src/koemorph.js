// Speech in, the weights of ARKit's 52 blend shapes out.
import { Core, hasSimd, requireWebAssembly } from "./core.js";
import { Engine } from "./engine.js";
import { KoeMorphError } from "./errors.js";
import { Face } from "./face.js";

export { Face, outputLatency } from "./face.js";
export { KoeMorphError } from "./errors.js";

async function readFile(url) {
  const name = "node:fs/promises"; // not for bundlers
  const { readFile } = await import(/* @vite-ignore */ name);
  return new Uint8Array(await readFile(url));
}

/** Bytes of a URL or of data that the caller has. */
async function bytesOf(source, what) {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) {
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  }
  const url = new URL(source, globalThis.location?.href ?? import.meta.url);
  if (url.protocol === "file:" && globalThis.process?.versions?.node) return readFile(url);
  let response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new KoeMorphError(`${what} cannot be loaded: ${url}: ${error.message}.`, "fetch_failed");
  }
  if (!response.ok) {
    const status = `HTTP status ${response.status}`;
    throw new KoeMorphError(`${what} cannot be loaded: ${url}: ${status}.`, "fetch_failed");
  }
  return new Uint8Array(await response.arrayBuffer());
}

async function compile(wasm) {
  const file = hasSimd()
    ? new URL("./koemorph-simd.wasm", import.meta.url)
    : new URL("./koemorph.wasm", import.meta.url);
  if (wasm instanceof WebAssembly.Module) return wasm;
  const bytes = await bytesOf(wasm ?? file, "The core");
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw new KoeMorphError(`The core cannot be compiled: ${error.message}.`, "invalid_wasm");
  }
}

function startWorker() {
  try {
    return new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  } catch {
    // From another origin (a CDN): a module of this page's origin imports it.
    const code = `import ${JSON.stringify(new URL("./worker.js", import.meta.url).href)};`;
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    return new Worker(url, { type: "module" });
  }
}

/** A loaded model and the worker that computes its faces. */
export class KoeMorph {
  #core;
  #worker = null;
  #engine = null;
  #faces = new Map();
  #requests = new Map();
  #nextId = 1;
  #last = Promise.resolve();

  /**
   * @param {{model: string | URL | BufferSource, wasm?: string | URL | BufferSource |
   *   WebAssembly.Module, worker?: boolean}} options
   */
  static async load({ model, wasm, worker = true } = {}) {
    requireWebAssembly();
    if (model === undefined) {
      throw new KoeMorphError("load failed: model is missing, expected a URL or bytes.", "no_model");
    }
    const [module, bytes] = await Promise.all([compile(wasm), bytesOf(model, "The model")]);
    const loaded = new KoeMorph();
    loaded.#core = await Core.create(module);
    loaded.#start(worker);
    try {
      const copy = bytes.slice().buffer;
      const { metadata } = await loaded.#request({ type: "load", module, model: copy }, [copy]);
      loaded.metadata = metadata;
    } catch (error) {
      loaded.close();
      throw error;
    }
    loaded.blendshapes = loaded.#core.blendshapes;
    loaded.version = loaded.#core.version;
    loaded.fps = Number(loaded.metadata.fps);
    return loaded;
  }

  #start(worker) {
    const receive = (message) => this.#receive(message);
    if (worker && typeof Worker === "function") {
      this.#worker = startWorker();
      this.#worker.onmessage = ({ data }) => receive(data);
      this.#worker.onerror = (event) => this.#fail(event.message ?? "it could not be loaded");
    } else {
      this.#engine = new Engine(receive);
    }
  }

  #send(message, transfer = []) {
    if (this.#worker !== null) this.#worker.postMessage(message, transfer);
    else if (this.#engine !== null) {
      const engine = this.#engine;
      this.#last = this.#last.then(() => engine.handle(message));
    }
  }

  #request(message, transfer) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { resolve, reject });
      this.#send({ ...message, id }, transfer);
    });
  }

  #fail(text) {
    const error = new KoeMorphError(`The worker stopped: ${text}.`, "worker_failed");
    for (const { reject } of this.#requests.values()) reject(error);
    this.#requests.clear();
  }

  #receive(message) {
    const request = this.#requests.get(message.id);
    this.#requests.delete(message.id);
    if (request !== undefined) {
      if (message.type === "done") request.resolve(message.value);
      else request.reject(new KoeMorphError(message.message, message.code));
    } else if (message.type !== "done") {
      this.#faces.get(message.face)?.receive(message);
    }
  }

  /**
   * Create a face: the animation of one voice.
   * @param {{sampleRate?: number, historySeconds?: number, preset?: string | object}} options
   */
  async createFace({ sampleRate = 48000, historySeconds = 10, preset } = {}) {
    const face = this.#nextId++;
    const info = await this.#request({ type: "create", face, sampleRate });
    const send = (message, transfer, wait) => {
      if (message.type === "destroy") this.#faces.delete(face);
      return wait ? this.#request(message, transfer) : this.#send(message, transfer);
    };
    const created = new Face(face, send, { sampleRate, historySeconds }, info);
    this.#faces.set(face, created);
    if (preset !== undefined) await created.setPreset(preset);
    return created;
  }

  /** Read a retarget map (JSON text or object), for the shapes of a rig or in its own order. */
  retargetMap(map, rigNames = null) {
    return new RetargetMap(this.#core, map, rigNames);
  }

  /** Stop the worker; faces return no further frames. */
  close() {
    for (const face of this.#faces.values()) face.disconnect();
    this.#faces.clear();
    this.#worker?.terminate();
    this.#worker = null;
    this.#engine = null;
  }
}

/** From the 52 blend shapes to the shapes of a rig. */
export class RetargetMap {
  #core;
  #map;
  #in;
  #out;

  constructor(core, map, rigNames) {
    const api = core.api;
    const json = typeof map === "string" ? map : JSON.stringify(map);
    const pointers = (rigNames ?? []).map((name) =>
      core.withBytes(name + "\0", (at, size) => {
        const copy = api.malloc(size);
        new Uint8Array(api.memory.buffer).copyWithin(copy, at, at + size);
        return copy;
      }),
    );
    const names = new Uint8Array(Uint32Array.from(pointers).buffer);
    this.#map = core.withBytes(json, (at, size) =>
      core.withBytes(names, (list) =>
        api.koemorph_web_map(at, size, rigNames === null ? 0 : list, pointers.length),
      ),
    );
    for (const pointer of pointers) api.free(pointer);
    core.object(this.#map, "invalid_map");
    this.#core = core;
    const count = api.koemorph_retarget_map_count(this.#map);
    this.names = [];
    this.driven = [];
    for (let i = 0; i < count; i++) {
      this.names.push(core.text(api.koemorph_retarget_map_name(this.#map, i)));
      this.driven.push(api.koemorph_retarget_map_is_driven(this.#map, i) === 1);
    }
    this.#in = api.malloc(4 * 52);
    this.#out = api.malloc(4 * Math.max(1, count));
  }

  /** Convert 52 weights to the weights of the rig. */
  apply(weights, out = new Float32Array(this.names.length)) {
    const { api } = this.#core;
    new Float32Array(api.memory.buffer, this.#in, 52).set(weights);
    const count = this.names.length;
    this.#core.check(api.koemorph_retarget_map_apply(this.#map, this.#in, this.#out, count));
    out.set(new Float32Array(api.memory.buffer, this.#out, count));
    return out;
  }

  destroy() {
    const { api } = this.#core;
    api.koemorph_retarget_map_destroy(this.#map);
    api.free(this.#in);
    api.free(this.#out);
  }
}
