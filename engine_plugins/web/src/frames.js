// The frames of a face in the page: a history, read at any time, and fades.
import { BLENDSHAPE_COUNT } from "./core.js";

const MAX_FADES = 16;

function smoothstep(t) {
  return t * t * (3 - 2 * t);
}

/** Fades in stream time, as in the core. */
class Fades {
  #segments = [];

  factor(time) {
    if (this.#segments.length === 0) return 1;
    const segment = this.#segments.findLast(({ start }) => time >= start);
    if (segment === undefined) return this.#segments[0].from;
    const { start, seconds, from, goal } = segment;
    if (time >= start + seconds) return goal;
    return from + (goal - from) * smoothstep((time - start) / seconds);
  }

  add(start, seconds, goal) {
    const from = this.factor(start);
    this.#segments = this.#segments.filter((segment) => segment.start < start);
    if (from === goal && (this.#segments.at(-1)?.goal ?? 1) === goal) return;
    this.#segments.push({ start, seconds, from, goal });
    if (this.#segments.length > MAX_FADES) this.#segments.shift();
  }
}

/** The newest frames, at least history_seconds of them. */
export class Frames {
  constructor(fps, historySeconds) {
    this.fps = fps;
    this.historySeconds = historySeconds;
    this.clear();
  }

  clear() {
    this.fades = new Fades();
    this.keepAll = false;
    this.end = 0; // index of the next frame
    this.#capacity = Math.max(4, Math.ceil(this.historySeconds * this.fps));
    this.#data = new Float32Array(this.#capacity * BLENDSHAPE_COUNT);
  }

  #capacity;
  #data;

  append(weights) {
    const count = weights.length / BLENDSHAPE_COUNT;
    if (this.keepAll && this.end + count > this.#capacity) this.#grow(this.end + count);
    for (let i = 0; i < count; i++) {
      const frame = weights.subarray(i * BLENDSHAPE_COUNT, (i + 1) * BLENDSHAPE_COUNT);
      this.#data.set(frame, (this.end++ % this.#capacity) * BLENDSHAPE_COUNT);
    }
  }

  // Only while no frame was overwritten.
  #grow(needed) {
    this.#capacity = 2 * needed;
    const data = new Float32Array(this.#capacity * BLENDSHAPE_COUNT);
    data.set(this.#data);
    this.#data = data;
  }

  /** Write the weights at this time of the stream; false where there is no frame. */
  sample(time, out) {
    if (this.end === 0 || Number.isNaN(time)) {
      out.fill(0);
      return false;
    }
    const oldest = Math.max(0, this.end - this.#capacity);
    const position = Math.min(Math.max(time * this.fps, oldest), this.end - 1);
    const index = Math.floor(position);
    const fraction = position - index;
    const first = (index % this.#capacity) * BLENDSHAPE_COUNT;
    const second = (Math.min(index + 1, this.end - 1) % this.#capacity) * BLENDSHAPE_COUNT;
    const scale = this.fades.factor(time);
    for (let i = 0; i < BLENDSHAPE_COUNT; i++) {
      const from = this.#data[first + i];
      out[i] = scale * (from + fraction * (this.#data[second + i] - from));
    }
    return true;
  }

  /** All stored frames, oldest first: (frames, 52). */
  all() {
    const first = Math.max(0, this.end - this.#capacity);
    const out = new Float32Array((this.end - first) * BLENDSHAPE_COUNT);
    for (let index = first; index < this.end; index++) {
      const at = (index % this.#capacity) * BLENDSHAPE_COUNT;
      const frame = this.#data.subarray(at, at + BLENDSHAPE_COUNT);
      out.set(frame, (index - first) * BLENDSHAPE_COUNT);
    }
    return out;
  }
}

/** A factor that moves between 0 and 1 in wall-clock time: the face rests while audio stands. */
export class Rest {
  #from = 1;
  #goal = 1;
  #start = -Infinity;

  constructor(seconds) {
    this.seconds = seconds;
  }

  set(resting, now = performance.now()) {
    const goal = resting ? 0 : 1;
    if (goal === this.#goal) return;
    this.#from = this.factor(now);
    this.#goal = goal;
    this.#start = now;
  }

  factor(now = performance.now()) {
    const progress = Math.min(Math.max((now - this.#start) / (1000 * this.seconds), 0), 1);
    return this.#from + (this.#goal - this.#from) * smoothstep(progress);
  }
}
