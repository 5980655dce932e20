// All faces of one model: receives audio and requests, computes frames. Runs in a worker, or in the
// main thread where there are no workers (Node.js).
import { Core } from "./core.js";
import { KoeMorphError } from "./errors.js";

const BUFFER_SECONDS = 0.5; // of a stream; longer audio is pushed in parts
const MAX_FACES = 1024;

export class Engine {
  #faces = new Map();
  #scheduled = false;

  /** @param {(message: object, transfer?: Transferable[]) => void} post sends to the page */
  constructor(post) {
    this.post = post;
  }

  /** Handle a request of the page, in the order they were sent. */
  async handle(message) {
    try {
      if (message.type === "load") await this.#load(message);
      else this[message.type](message);
    } catch (error) {
      const { message: text, code = "failed" } = error;
      this.post({ type: "error", face: message.face, id: message.id, message: text, code });
    }
  }

  async #load({ module, model, id }) {
    this.core = await Core.create(module);
    this.model = this.#read(new Uint8Array(model));
    const metadata = this.core.metadata(this.model);
    this.post({ type: "done", id, value: { metadata, blendshapes: this.core.blendshapes } });
  }

  // The core is compiled without exceptions, so it stops in the middle of such a file.
  #read(bytes) {
    try {
      return this.core.loadModel(bytes);
    } catch (error) {
      if (error.code !== "core_stopped" && !(error instanceof WebAssembly.RuntimeError)) throw error;
      throw new KoeMorphError(
        "load failed: the file is damaged, is not a KoeMorph model (.onnx), or has operators that " +
          "the core lacks. Check it with koemorph info FILE.",
        "invalid_model",
      );
    }
  }

  create({ face, sampleRate, id }) {
    if (this.#faces.size >= MAX_FACES) throw new Error(`At most ${MAX_FACES} faces are possible.`);
    const pointer = this.core.api.koemorph_web_stream(this.model, sampleRate, 1, BUFFER_SECONDS);
    const stream = this.core.object(pointer, "invalid_argument");
    const state = { stream, sampleRate, nextFrame: null, epoch: 0, seconds: 0, pending: 0 };
    this.#faces.set(face, state);
    this.post({ type: "done", id, value: this.core.info(stream) });
  }

  destroy({ face }) {
    const state = this.#faces.get(face);
    if (state === undefined) return;
    this.core.api.koemorph_stream_destroy(state.stream);
    this.#faces.delete(face);
    state.port?.close();
  }

  /** Receive captured blocks directly from the audio thread, past the page's main thread. */
  connect({ face, port, sampleRate }) {
    const state = this.#faces.get(face);
    if (state === undefined) return;
    state.port?.close();
    state.port = port;
    state.nextFrame = null;
    state.endFrame = null;
    port.onmessage = ({ data }) => {
      try {
        if (data === "done") this.post({ type: "captured", face });
        else this.#captured(face, state, data, sampleRate);
      } catch (error) {
        this.post({ type: "error", face, message: error.message, code: error.code ?? "failed" });
      }
    };
  }

  // Blocks carry the position of their first sample in the audio context, so that a gap stays one.
  #captured(face, state, { samples, frame }, sampleRate) {
    if (state.nextFrame === null) {
      const origin = frame / sampleRate - state.seconds;
      this.post({ type: "origin", face, epoch: state.epoch, origin });
    } else if (frame > state.nextFrame) {
      const gap = Math.min(frame - state.nextFrame, 10 * sampleRate);
      this.#push(state, new Float32Array(gap), sampleRate);
    }
    state.nextFrame = frame + samples.length;
    this.#push(state, samples, sampleRate);
  }

  push({ face, samples, sampleRate }) {
    const state = this.#faces.get(face);
    if (state !== undefined) this.#push(state, samples, sampleRate);
  }

  flush({ face, id }) {
    const state = this.#faces.get(face);
    this.#compute(); // the buffer's audio, before the end is marked
    this.core.check(this.core.api.koemorph_stream_flush(state.stream));
    this.#compute();
    this.post({ type: "done", id });
  }

  #push(state, samples, sampleRate) {
    if (sampleRate !== state.sampleRate) {
      this.core.check(this.core.api.koemorph_stream_set_input_format(state.stream, sampleRate, 1));
      state.sampleRate = sampleRate;
    }
    // In parts, and computed before the stream's buffer is full: messages may arrive in bursts.
    const part = Math.floor((BUFFER_SECONDS / 4) * sampleRate);
    for (let at = 0; at < samples.length; at += part) {
      const piece = samples.subarray(at, at + part);
      this.core.push(state.stream, piece, 1);
      state.seconds += piece.length / sampleRate;
      state.pending += piece.length / sampleRate;
      if (state.pending > BUFFER_SECONDS / 2) this.#compute();
    }
    this.#schedule();
  }

  reset({ face, epoch }) {
    const state = this.#faces.get(face);
    if (state === undefined) return;
    this.core.check(this.core.api.koemorph_stream_reset(state.stream, 0, 0));
    Object.assign(state, { epoch, seconds: 0, nextFrame: null });
  }

  preset({ face, json, id }) {
    const state = this.#faces.get(face);
    this.core.withBytes(json, (at, size) =>
      this.core.check(this.core.api.koemorph_web_preset(state.stream, at, size)),
    );
    this.post({ type: "done", id });
  }

  // Blocks of several faces that arrive together are computed together.
  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => {
      this.#scheduled = false;
      this.#compute();
    });
  }

  #compute() {
    const api = this.core.api;
    const states = [...this.#faces.entries()];
    if (states.length === 0) return;
    const begin = performance.now();
    if (states.length === 1) {
      this.core.check(api.koemorph_stream_process(states[0][1].stream));
    } else {
      this.#computeBatch(states.map(([, state]) => state.stream));
    }
    const seconds = (performance.now() - begin) / 1000;
    for (const [face, state] of states) {
      state.pending = 0;
      const frames = [];
      if (this.core.pull(state.stream, frames) === 0) continue;
      const weights = new Float32Array(frames);
      const cost = seconds / states.length;
      this.post({ type: "frames", face, epoch: state.epoch, weights, cost }, [weights.buffer]);
    }
  }

  #computeBatch(streams) {
    const api = this.core.api;
    if (this.batch === undefined || this.capacity < streams.length) {
      this.capacity = Math.max(4, 1 << Math.ceil(Math.log2(streams.length)));
      if (this.batch !== undefined) api.koemorph_stream_batch_destroy(this.batch);
      this.core.withBytes(new Uint8Array(4), (out) => {
        this.core.check(api.koemorph_stream_batch_create(this.model, this.capacity, out));
        [this.batch] = new Uint32Array(api.memory.buffer, out, 1);
      });
    }
    const bytes = new Uint8Array(Uint32Array.from(streams).buffer);
    this.core.withBytes(bytes, (at) =>
      this.core.check(api.koemorph_stream_batch_process(this.batch, at, streams.length)),
    );
  }
}
