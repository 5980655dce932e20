// The live page: sends the browser's microphone to the server and shows the frames it returns.
"use strict";

const SHOWN_SECONDS = 10;
const HEADER_BYTES = 16; // sample position and capture time (s) as float64, before the samples

function showStatus(text, bad = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("bad", bad);
}

// The last seconds of frames and of the audio level.
class History extends Track {
  constructor(names, fps) {
    super(names, fps, new Uint8Array(SHOWN_SECONDS * fps * names.length));
    this.peaks = new Uint8Array(SHOWN_SECONDS * 100);
    this.latest = neutralWeights();
    this.before = neutralWeights();
    this.arrived = 0;
    this.changed = false;
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
    this.changed = true;
  }

  addAudio(block) {
    let peak = 0;
    for (const sample of block) peak = Math.max(peak, Math.abs(sample));
    this.peaks.copyWithin(0, 1);
    this.peaks[this.peaks.length - 1] = Math.min(255, Math.sqrt(peak) * 255);
    this.changed = true;
  }

  // Interpolate between the last two frames, one frame late, for smooth motion at the screen's rate.
  blend(out) {
    const mix = Math.min((performance.now() - this.arrived) * this.fps / 1000, 1);
    for (const name of this.names) out[name] = this.before[name] + (this.latest[name] - this.before[name]) * mix;
  }
}

class Connection {
  constructor(history, rigHistory) {
    this.history = history;
    this.rigHistory = rigHistory; // null without a retarget map
    this.latencies = [];
    this.begins = [];
    this.frames = 0;
    this.sent = 0;
    this.skipped = 0; // seconds of audio that arrived too late and were skipped
  }

  async start() {
    if (!navigator.mediaDevices) throw new Error("this page has no access to microphones; open it as http://127.0.0.1 or over https");
    const media = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: true, channelCount: 1 } });
    media.getAudioTracks()[0].addEventListener("ended", () => this.stop("The microphone was disconnected. Reconnect it and press Speak."));
    this.media = media;
    this.context = new AudioContext({ latencyHint: "interactive" });
    const unreachable = () => new Error(`the server refused the connection. Check that koemorph serve is running, reload the page it printed, and use at most ${DATA.maxStreams} pages at once`);
    await this.context.audioWorklet.addModule("worklet.js").catch(() => { throw unreachable(); });
    const query = new URLSearchParams({ token: DATA.token, rate: this.context.sampleRate });
    this.socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/stream?${query}`);
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("message", (event) => {
      if (typeof event.data === "string") this.skipped = JSON.parse(event.data).skipped;
      else this.receive(new Float32Array(event.data));
    });
    this.socket.addEventListener("close", (event) => this.stop(event.reason || "The server has stopped. Start koemorph serve again."));
    await new Promise((resolve, reject) => {
      this.socket.addEventListener("open", resolve);
      this.socket.addEventListener("error", () => reject(unreachable()));
    });
    const sender = new AudioWorkletNode(this.context, "block-sender", { numberOfInputs: 1, numberOfOutputs: 0 });
    sender.port.onmessage = (event) => this.send(event.data);
    this.context.createMediaStreamSource(media).connect(sender);
    this.running = true;
    showStatus("listening");
  }

  send(block) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const first = this.sent;
    this.sent += block.length;
    // The capture time of stream time 0: the earliest estimate of the last two seconds is closest.
    this.begins.push(performance.now() - (this.sent / this.context.sampleRate) * 1000);
    if (this.begins.length > 200) this.begins.shift();
    this.began = Math.min(...this.begins);
    this.history.addAudio(block);
    // The server would skip audio that is queued for longer; it detects and counts the gap.
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

  // Frames: the time in seconds, the 52 weights, and the rig's weights with a retarget map.
  receive(numbers) {
    const faces = this.history.names.length + 1, size = faces + (this.rigHistory ? this.rigHistory.names.length : 0);
    for (let at = 0; at + size <= numbers.length; at += size) {
      this.history.add(numbers.subarray(at + 1, at + faces));
      this.rigHistory?.add(numbers.subarray(at + faces, at + size));
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
    const parts = [`${this.history.fps} fps`, `${Math.round(this.latency())} ms latency`];
    if (this.skipped) parts.push(`${this.skipped.toFixed(1)} s of late audio skipped`);
    return parts.join(" · ");
  }

  // Release everything, also after a failed start.
  close() {
    this.running = false;
    this.media?.getTracks().forEach((track) => track.stop());
    this.context?.close();
    this.socket?.close();
  }

  stop(reason) {
    if (!this.running) return;
    this.close();
    for (const history of [this.history, this.rigHistory]) history?.add(new Float32Array(history.names.length));
    showStatus(reason, Boolean(reason));
  }
}

async function main() {
  const history = new History(DATA.blendshapes, DATA.fps);
  const rigHistory = DATA.rigNames && new History(DATA.rigNames, DATA.fps);
  showStatus("press Speak and allow the microphone");
  const stage = new Stage(["Live"], await openRig((message) => showStatus(message, true)));
  const timeline = new Timeline(byId("timeline"), SHOWN_SECONDS, () => {});
  timeline.setData(history.peaks, [], 1, [history]);
  const panel = new Panel(byId("curves"), DATA.groups, (name) => timeline.toggle(name));
  document.querySelector('.row[data-name="jawOpen"]').click();
  byId("startText").textContent = "Speak";
  byId("hint").textContent = "click a name to see its curve";
  byId("tools").hidden = true;
  byId("play").setAttribute("aria-label", "Speak or stop");
  document.querySelector(".time").hidden = true;

  const weights = neutralWeights(), rigWeights = rigHistory ? neutralWeights(rigHistory.names) : weights;
  const state = { ready: true, history, stage, weights, connection: null, drawn: 0 };
  window.koemorph = state;
  let starting = false;
  const toggle = async () => {
    if (state.connection?.running) return state.connection.stop("");
    if (starting) return;
    starting = true;
    state.connection = new Connection(history, rigHistory);
    try {
      await state.connection.start();
    } catch (error) {
      state.connection.close();
      const denied = error.name === "NotAllowedError" || error.name === "NotFoundError";
      showStatus(denied ? "No microphone: allow it in the browser's address bar and check that one is connected." : `Cannot start: ${error.message}.`, true);
    } finally {
      starting = false;
    }
  };
  byId("start").addEventListener("click", toggle);
  byId("play").addEventListener("click", toggle);
  const scroll = throttle(30), report = throttle(250);
  const frame = () => {
    history.blend(weights);
    rigHistory?.blend(rigWeights);
    stage.draw([weights], [rigWeights]);
    if (history.changed && scroll()) {
      timeline.dirty = true;
      history.changed = false;
    }
    timeline.draw(SHOWN_SECONDS);
    panel.update(weights);
    const running = Boolean(state.connection?.running);
    stage.showRunning(running);
    if (running && state.connection.frames && report()) showStatus(state.connection.summary());
    state.drawn++;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

main().catch((error) => showStatus(`The page cannot be shown: ${error.message}`, true));
