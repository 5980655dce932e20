// The live page: the browser's microphone goes to KoeMorph, and the face comes back.
"use strict";

const SHOWN_SECONDS = 10;
const HEADER_BYTES = 16; // before the samples: those spoken before them, and the time in seconds

function say(text, bad = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("bad", bad);
}

// The last seconds of frames, as the timeline and the stage read them.
class History extends Track {
  constructor(names, fps) {
    super(names, fps, new Uint8Array(SHOWN_SECONDS * fps * names.length));
    this.peaks = new Uint8Array(SHOWN_SECONDS * 100);
    this.latest = restingWeights();
    this.before = restingWeights();
    this.arrived = 0;
    this.news = false;
  }

  add(weights) {
    const n = this.names.length;
    this.values.copyWithin(0, n);
    this.before = this.latest;
    this.latest = {};
    this.names.forEach((name, k) => {
      this.latest[name] = weights[k];
      this.values[this.values.length - n + k] = Math.round(weights[k] * 255);
    });
    this.arrived = performance.now();
    this.news = true;
  }

  hear(block) {
    let peak = 0;
    for (const sample of block) peak = Math.max(peak, Math.abs(sample));
    this.peaks.copyWithin(0, 1);
    this.peaks[this.peaks.length - 1] = Math.min(255, Math.sqrt(peak) * 255);
    this.news = true;
  }

  // Between the last two frames, one frame behind, so that 60 pictures a second move evenly.
  blend(out) {
    const mix = Math.min((performance.now() - this.arrived) * this.fps / 1000, 1);
    for (const name of this.names) out[name] = this.before[name] + (this.latest[name] - this.before[name]) * mix;
  }
}

class Link {
  constructor(history) {
    this.history = history;
    this.latencies = [];
    this.begins = [];
    this.frames = 0;
    this.sent = 0;
    this.leftOut = 0; // seconds of sound that came too late to be heard
  }

  async start() {
    if (!navigator.mediaDevices) throw new Error("this page may not use a microphone; open it as http://127.0.0.1 or over https");
    const media = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: true, channelCount: 1 } });
    media.getAudioTracks()[0].addEventListener("ended", () => this.stop("The microphone was taken away; plug it in and press Speak."));
    this.media = media;
    this.context = new AudioContext({ latencyHint: "interactive" });
    const away = () => new Error(`KoeMorph does not answer: is koemorph serve running, this its newest page, and do fewer than ${DATA.maxVoices} voices speak?`);
    await this.context.audioWorklet.addModule("worklet.js").catch(() => { throw away(); });
    const query = new URLSearchParams({ token: DATA.token, rate: this.context.sampleRate });
    this.socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/stream?${query}`);
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("message", (event) => {
      if (typeof event.data === "string") this.leftOut = JSON.parse(event.data).leftOut;
      else this.receive(new Float32Array(event.data));
    });
    this.socket.addEventListener("close", (event) => this.stop(event.reason || "KoeMorph has ended; start koemorph serve again."));
    await new Promise((resolve, reject) => {
      this.socket.addEventListener("open", resolve);
      this.socket.addEventListener("error", () => reject(away()));
    });
    const tap = new AudioWorkletNode(this.context, "tap", { numberOfInputs: 1, numberOfOutputs: 0 });
    tap.port.onmessage = (event) => this.send(event.data);
    this.context.createMediaStreamSource(media).connect(tap);
    this.running = true;
    say("listening");
  }

  send(block) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const first = this.sent;
    this.sent += block.length;
    // When the sample of stream time 0 was spoken, as the last two seconds tell it: the earliest is
    // nearest, and sound that a busy browser has lost is forgotten.
    this.begins.push(performance.now() - (this.sent / this.context.sampleRate) * 1000);
    if (this.begins.length > 200) this.begins.shift();
    this.began = Math.min(...this.begins);
    this.history.hear(block);
    // What waits here longer would be left out there; the server sees the gap and counts it.
    if (this.socket.bufferedAmount > DATA.maxBehind * this.context.sampleRate * block.BYTES_PER_ELEMENT) return;
    this.socket.send(this.message(first, block));
  }

  message(first, block) {
    const buffer = new ArrayBuffer(HEADER_BYTES + block.byteLength), header = new DataView(buffer);
    header.setFloat64(0, first, true);
    header.setFloat64(8, performance.now() / 1000, true);
    new Float32Array(buffer, HEADER_BYTES).set(block);
    return buffer;
  }

  // Frames of 53 numbers: the time in seconds and the 52 weights.
  receive(numbers) {
    const size = this.history.names.length + 1;
    for (let at = 0; at + size <= numbers.length; at += size) {
      this.history.add(numbers.subarray(at + 1, at + size));
      this.latencies.push(performance.now() - this.began - numbers[at] * 1000);
      this.frames++;
    }
    if (this.latencies.length > 90) this.latencies.splice(0, this.latencies.length - 90);
  }

  latency() {
    const sorted = [...this.latencies].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  summary() {
    const told = [`${this.history.fps} fps`, `${Math.round(this.latency())} ms from voice to face`];
    if (this.leftOut) told.push(`${this.leftOut.toFixed(1)} s of sound came too late and were left out`);
    return told.join(" · ");
  }

  // What has been opened so far: a start that fails half-way leaves no microphone open.
  close() {
    this.running = false;
    this.media?.getTracks().forEach((track) => track.stop());
    this.context?.close();
    this.socket?.close();
  }

  stop(reason) {
    if (!this.running) return;
    this.close();
    this.history.add(new Float32Array(this.history.names.length));
    say(reason, Boolean(reason));
  }
}

async function main() {
  const history = new History(DATA.blendshapes, DATA.fps);
  say("press Speak and allow the microphone");
  const stage = new Stage([["face", "Face"]], await openRig((trouble) => say(trouble, true)));
  const timeline = new Timeline(byId("timeline"), SHOWN_SECONDS, () => {});
  timeline.setData(history.peaks, [], 1, history, null);
  const panel = new Panel(byId("curves"), DATA.groups, (name) => timeline.toggle(name));
  document.querySelector('.row[data-name="jawOpen"]').click();
  byId("startText").textContent = "Speak";
  byId("hint").textContent = "click a blendshape to see its curve";
  byId("play").setAttribute("aria-label", "Speak or stop");
  document.querySelector(".time").hidden = true;

  const weights = restingWeights();
  const state = { ready: true, history, stage, weights, link: null, drawn: 0 };
  window.koemorph = state;
  let starting = false;
  const toggle = async () => {
    if (state.link?.running) return state.link.stop("");
    if (starting) return;
    starting = true;
    state.link = new Link(history);
    try {
      await state.link.start();
    } catch (error) {
      state.link.close();
      const denied = error.name === "NotAllowedError" || error.name === "NotFoundError";
      say(denied ? "The browser did not give a microphone: allow it beside the address, and check that one is plugged in." : `It did not start: ${error.message}`, true);
    } finally {
      starting = false;
    }
  };
  byId("start").addEventListener("click", toggle);
  byId("play").addEventListener("click", toggle);
  const scroll = every(30), tell = every(250); // frames come no faster, and nobody reads faster
  const frame = () => {
    history.blend(weights);
    stage.draw(weights, weights);
    if (history.news && scroll()) {
      timeline.dirty = true;
      history.news = false;
    }
    timeline.draw(SHOWN_SECONDS);
    panel.update(weights);
    const running = Boolean(state.link?.running);
    stage.showRunning(running);
    if (running && state.link.frames && tell()) say(state.link.summary());
    state.drawn++;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

main().catch((error) => say(`This page could not be shown: ${error.message}`, true));
