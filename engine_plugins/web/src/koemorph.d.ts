/** Codes: "invalid_model", "unsupported_model", "invalid_argument", "invalid_map", "fetch_failed",
 * "no_webassembly", "context_suspended", "context_closed", "insecure_context",
 * "microphone_denied", "no_microphone", "microphone_busy", "worker_failed", ... */
export class KoeMorphError extends Error {
  readonly code: string;
}

export interface LoadOptions {
  /** URL or bytes of a KoeMorph model (.onnx). */
  model: string | URL | BufferSource;
  /** URL, bytes or module of the core; default: the file of this package, with SIMD if possible. */
  wasm?: string | URL | BufferSource | WebAssembly.Module;
  /** false: compute in this thread. Default true; Node.js has no workers of this kind. */
  worker?: boolean;
}

export interface FaceOptions {
  /** Hz of pushed samples; default 48000. */
  sampleRate?: number;
  /** Seconds of frames that sample can return; default 10. */
  historySeconds?: number;
  /** JSON of a preset; default: the defaults of all controls. */
  preset?: string | object;
}

export interface ConnectOptions {
  /** The node is heard here, `delay` seconds later. Default null: not heard. */
  output?: AudioNode | null;
  /** Seconds; default: the latency of the face, so that face and audio are in time. */
  delay?: number;
}

export class KoeMorph {
  private constructor();
  static load(options: LoadOptions): Promise<KoeMorph>;
  /** Names of the 52 blend shapes, in the order of the weights. */
  readonly blendshapes: string[];
  readonly fps: number;
  readonly version: string;
  readonly metadata: Record<string, string>;
  createFace(options?: FaceOptions): Promise<Face>;
  retargetMap(map: string | object, rigNames?: string[] | null): RetargetMap;
  close(): void;
}

/** Events: "frames"; "warning" (detail: KoeMorphError); "ended" when the microphone is lost. */
export class Face extends EventTarget {
  private constructor();
  readonly fps: number;
  /** Seconds of audio after a frame's time that the frame needs. */
  readonly latency: number;
  readonly frameCount: number;
  /** Context time of stream time 0; null before audio arrived. */
  readonly origin: number | null;
  /** All stored frames, oldest first: frameCount * 52 weights. */
  readonly frames: Float32Array;
  /** Seconds of the last computation. */
  readonly cost: number;
  /** The result of the last sample(). */
  readonly weights: Float32Array;
  push(samples: Float32Array | Int16Array, sampleRate?: number): void;
  flush(): Promise<void>;
  connect(node: AudioNode, options?: ConnectOptions): Promise<void>;
  connectMedia(element: HTMLMediaElement, context: AudioContext): Promise<void>;
  connectMicrophone(
    context: AudioContext,
    constraints?: MediaStreamConstraints,
  ): Promise<MediaStream>;
  /** Compute a buffer ahead of its playback, which starts at context time `when`. */
  schedule(buffer: AudioBuffer, context?: AudioContext, when?: number): Promise<Float32Array>;
  start(context: AudioContext, when: number): void;
  disconnect(): void;
  sample(time?: number, out?: Float32Array): Float32Array;
  pause(): void;
  resume(): void;
  fadeOut(seconds?: number): void;
  fadeIn(seconds?: number): void;
  reset(): Promise<void>;
  setPreset(preset: string | object): Promise<void>;
  setControls(controls: Record<string, unknown>): Promise<void>;
  destroy(): void;
}

export class RetargetMap {
  readonly names: string[];
  readonly driven: boolean[];
  apply(weights: ArrayLike<number>, out?: Float32Array): Float32Array;
  destroy(): void;
}

/** Seconds from context.currentTime until its audio is heard. */
export function outputLatency(context: AudioContext): number;
