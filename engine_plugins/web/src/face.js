// One animated voice.
import { BLENDSHAPE_COUNT } from "./core.js";
import { KoeMorphError } from "./errors.js";
import { Frames, Rest } from "./frames.js";

// Seconds that a captured block takes until its frames are in the page.
const CAPTURE_SECONDS = 0.03;
const REST_SECONDS = 0.3;
const INT16_SCALE = 1 / 32768;

function toFloat(samples) {
  if (samples instanceof Float32Array) return samples.slice();
  if (samples instanceof Int16Array) return Float32Array.from(samples, (x) => x * INT16_SCALE);
  throw new KoeMorphError(
    `push failed: got ${samples?.constructor?.name ?? typeof samples}, expected Float32Array or ` +
      "Int16Array.",
    "invalid_argument",
  );
}

function mixDown(buffer) {
  const mixed = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const samples = buffer.getChannelData(channel);
    for (let i = 0; i < mixed.length; i++) mixed[i] += samples[i] / buffer.numberOfChannels;
  }
  return mixed;
}

const MICROPHONE_ERRORS = {
  NotAllowedError: ["microphone_denied", "the user or the page's policy denied it. Allow it"],
  NotFoundError: ["no_microphone", "no device was found. Connect a microphone"],
  NotReadableError: ["microphone_busy", "the device cannot be opened. Close programs that use it"],
};

export class Face extends EventTarget {
  #send;
  #frames;
  #rest = new Rest(REST_SECONDS);
  #epoch = 0;
  #capture = null; // { context, node, source, delay, heardAhead }
  #context = null; // whose clock sample follows
  #origin = null; // context time of stream time 0
  #pausedAt = null;
  #lastTime = 0;

  /** Made by KoeMorph.createFace. */
  constructor(id, send, options, info) {
    super();
    this.id = id;
    this.#send = send;
    this.sampleRate = options.sampleRate;
    this.fps = info.fps;
    this.latency = info.latency;
    this.weights = new Float32Array(BLENDSHAPE_COUNT);
    this.#frames = new Frames(info.fps, options.historySeconds);
    this.cost = 0; // seconds of the last computation
  }

  /** Number of frames computed since creation or reset. */
  get frameCount() {
    return this.#frames.end;
  }

  /** Context time of stream time 0; null before audio arrived. */
  get origin() {
    return this.#origin;
  }

  /** All stored frames: (frames, 52), oldest first. */
  get frames() {
    return this.#frames.all();
  }

  /** Add samples: Float32Array in [-1, 1] or Int16Array, mono. */
  push(samples, sampleRate = this.sampleRate) {
    const copy = toFloat(samples);
    this.#send({ type: "push", face: this.id, samples: copy, sampleRate }, [copy.buffer]);
  }

  /** Mark the end of pushed audio; resolves when all frames are there. Reset before the next push. */
  async flush() {
    await this.#send({ type: "flush", face: this.id }, [], true);
  }

  /**
   * Animate the audio of a node. With `output`, the node is also heard there, later by `delay`
   * seconds (default: the latency of the face), so that face and audio are in time.
   */
  async connect(node, { output = null, delay = this.latency + CAPTURE_SECONDS } = {}) {
    const context = node.context;
    this.#requireOpen(context);
    await loadWorklet(context);
    this.disconnect();
    const capture = new AudioWorkletNode(context, "koemorph-capture", {
      numberOfInputs: 1,
      numberOfOutputs: 1,
    });
    const { port1, port2 } = new MessageChannel();
    capture.port.postMessage({ port: port1 }, [port1]);
    const connect = { type: "connect", face: this.id, port: port2 };
    this.#send({ ...connect, sampleRate: context.sampleRate }, [port2]);
    const last = context.createGain();
    const delayNode = context.createDelay(Math.max(1, delay));
    delayNode.delayTime.value = output === null ? 0 : delay;
    // A node runs only while it leads to the destination; without output it is silent.
    last.gain.value = output === null ? 0 : 1;
    node.connect(capture).connect(delayNode).connect(last).connect(output ?? context.destination);
    const onState = () => this.#rest.set(context.state !== "running");
    context.addEventListener("statechange", onState);
    this.#capture = { context, node, capture, delayNode, last, onState };
    this.#context = context;
    this.#capture.delay = output === null ? 0 : delay;
    this.#pausedAt = null;
    this.#rest.set(context.state !== "running");
    if (context.state === "suspended") this.#warnSuspended(context);
  }

  /** Animate a media element; it is heard through the context. */
  async connectMedia(element, context) {
    const node = (element.koemorphSource ??= context.createMediaElementSource(element));
    await this.connect(node, { output: context.destination });
  }

  /** Animate the microphone; it is not heard. Returns its MediaStream. */
  async connectMicrophone(context, constraints = {}) {
    this.#requireOpen(context);
    const devices = globalThis.navigator?.mediaDevices;
    if (devices?.getUserMedia === undefined) {
      throw new KoeMorphError(
        "The microphone cannot be opened: the page is not a secure context. Use https or localhost.",
        "insecure_context",
      );
    }
    let stream;
    try {
      stream = await devices.getUserMedia({ audio: constraints.audio ?? true });
    } catch (error) {
      const [code, text] = MICROPHONE_ERRORS[error.name] ?? ["microphone_failed", error.message];
      throw new KoeMorphError(`The microphone cannot be opened: ${text}.`, code);
    }
    await this.connect(context.createMediaStreamSource(stream));
    this.#capture.live = true;
    this.#capture.stream = stream;
    for (const track of stream.getAudioTracks()) {
      track.addEventListener("ended", () => {
        this.#rest.set(true);
        this.dispatchEvent(new CustomEvent("ended"));
      });
    }
    return stream;
  }

  /**
   * Compute a whole AudioBuffer ahead of its playback. `when` is the context time at which it
   * starts to play; sample then needs no delay of the audio.
   */
  async schedule(buffer, context = null, when = null) {
    this.disconnect();
    await this.reset();
    this.#frames.keepAll = true;
    this.push(mixDown(buffer), buffer.sampleRate);
    await this.flush();
    if (context !== null && when !== null) this.start(context, when);
    return this.frames;
  }

  /** Set the context time at which the scheduled buffer starts to play. */
  start(context, when) {
    this.#context = context;
    this.#origin = when;
  }

  /** Stop capturing. Frames stay. */
  disconnect() {
    const capture = this.#capture;
    if (capture === null) return;
    this.#capture = null;
    capture.context.removeEventListener("statechange", capture.onState);
    capture.capture.port.postMessage({ end: true });
    capture.node.disconnect(capture.capture);
    capture.delayNode.disconnect();
    capture.last.disconnect();
    for (const track of capture.stream?.getTracks() ?? []) track.stop();
  }

  /**
   * Write the weights of the audio that is heard now and return them.
   * @param time connected: context.currentTime; pushed: seconds of stream time, default the newest
   */
  sample(time = undefined, out = this.weights) {
    const at = this.#pausedAt ?? this.#streamTime(time);
    this.#lastTime = at === Infinity ? this.#frames.end / this.fps : at;
    this.#frames.sample(at, out);
    const factor = this.#rest.factor();
    if (factor !== 1) for (let i = 0; i < out.length; i++) out[i] *= factor;
    return out;
  }

  #streamTime(time) {
    if (this.#origin === null) return this.#capture === null ? (time ?? Infinity) : NaN;
    const context = this.#context;
    const now = time ?? context.currentTime;
    if (this.#capture?.live) return now - this.#origin - this.latency - CAPTURE_SECONDS;
    return now - this.#origin - outputLatency(context) - (this.#capture?.delay ?? 0);
  }

  /** Hold the current weights. */
  pause() {
    this.#pausedAt ??= this.#lastTime;
  }

  resume() {
    this.#pausedAt = null;
  }

  fadeOut(seconds = 0.3) {
    this.#frames.fades.add(this.#lastTime, seconds, 0);
  }

  fadeIn(seconds = 0.3) {
    this.#frames.fades.add(this.#lastTime, seconds, 1);
  }

  /** Return to time 0 and the initial state. */
  async reset() {
    this.#epoch++;
    this.#origin = null;
    this.#pausedAt = null;
    this.#lastTime = 0;
    this.#frames.clear();
    this.#send({ type: "reset", face: this.id, epoch: this.#epoch });
  }

  /** Apply a preset (JSON text or object). Other controls return to their defaults. */
  async setPreset(preset) {
    const json = typeof preset === "string" ? preset : JSON.stringify(preset);
    await this.#send({ type: "preset", face: this.id, json }, [], true);
  }

  /** Apply controls by name; others return to their defaults. */
  async setControls(controls) {
    await this.setPreset({ koemorph: "preset", version: 1, name: "controls", controls });
  }

  /** Free the face. */
  destroy() {
    this.disconnect();
    this.#send({ type: "destroy", face: this.id });
  }

  /** Messages of the engine; called by KoeMorph. */
  receive(message) {
    if (message.type === "captured") {
      this.dispatchEvent(new CustomEvent("captured"));
    } else if (message.type === "error") {
      this.#warn(message.message, message.code);
    } else if (message.epoch !== this.#epoch) {
      return; // computed before a reset
    } else if (message.type === "origin") {
      this.#origin = message.origin;
    } else if (message.type === "frames") {
      this.#frames.append(message.weights);
      this.cost = message.cost;
      this.dispatchEvent(new CustomEvent("frames"));
    }
  }

  #requireOpen(context) {
    if (context.state !== "closed") return;
    throw new KoeMorphError(
      "connect failed: the AudioContext is closed. Create a new one.",
      "context_closed",
    );
  }

  #warnSuspended(context) {
    context.resume().catch(() => {});
    setTimeout(() => {
      if (context.state !== "suspended") return;
      this.#warn(
        "The AudioContext is suspended, so the face rests. Call context.resume() in a click or " +
          "key handler.",
        "context_suspended",
      );
    }, 100);
  }

  #warn(message, code) {
    const error = new KoeMorphError(message, code);
    const event = new CustomEvent("warning", { detail: error, cancelable: true });
    if (this.dispatchEvent(event)) console.warn(`KoeMorph: ${message}`);
  }
}

/** Seconds from context.currentTime until its audio is heard. */
export function outputLatency(context) {
  return (context?.baseLatency ?? 0) + (context?.outputLatency ?? 0);
}

const worklets = new WeakMap();
function loadWorklet(context) {
  if (context.audioWorklet === undefined) {
    throw new KoeMorphError(
      "connect failed: the page is not a secure context, so it has no AudioWorklet. Use https or " +
        "localhost.",
      "insecure_context",
    );
  }
  if (!worklets.has(context)) {
    const url = new URL("./worklet.js", import.meta.url);
    worklets.set(context, context.audioWorklet.addModule(url));
  }
  return worklets.get(context);
}
