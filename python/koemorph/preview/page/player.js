// The recorded page: plays the sound and shows the face of the moment that is heard.
"use strict";

const clock = (t) => `${Math.floor(t / 60)}:${(t % 60).toFixed(2).padStart(5, "0")}`;

function warn(text) {
  byId("status").textContent = text;
  byId("status").classList.add("bad");
}

class Player {
  constructor(duration) {
    this.duration = duration;
    this.offset = 0;
    this.source = null;
    this.starting = false;
  }

  // Decoding takes a while, so the face is shown first; whoever plays at once waits for it.
  load(audio) {
    this.loaded ??= this.decode(audio);
    return this.loaded;
  }

  async decode(audio) {
    if (!audio) return;
    this.context = new AudioContext();
    this.buffer = await this.context.decodeAudioData(bytes(audio).buffer);
  }

  get playing() {
    return this.startedAt !== undefined;
  }

  // What the listener hears now: the context's clock less the way to the loudspeaker.
  time() {
    if (!this.playing) return this.offset;
    const now = this.context ? this.context.currentTime - (this.context.outputLatency || 0) : performance.now() / 1000;
    return Math.max(this.offset, Math.min(this.offset + now - this.startedAt, this.duration));
  }

  async play() {
    if (this.playing || this.starting) return;
    this.starting = true;
    try {
      await this.load(DATA.audio);
      await this.context?.resume();
      if (this.starting) this.start(); // unless it was paused meanwhile
    } finally {
      this.starting = false;
    }
  }

  start() {
    if (this.offset >= this.duration - 0.01) this.offset = 0;
    if (this.context) {
      this.source = new AudioBufferSourceNode(this.context, { buffer: this.buffer });
      this.source.connect(this.context.destination);
      this.source.start(0, Math.min(this.offset, this.buffer.duration));
      this.startedAt = this.context.currentTime;
    } else this.startedAt = performance.now() / 1000;
  }

  pause() {
    this.starting = false;
    this.offset = this.time();
    this.startedAt = undefined;
    if (this.source) this.source.stop();
    this.source = null;
  }

  async seek(time) {
    const playing = this.playing;
    if (playing) this.pause();
    this.offset = Math.min(Math.max(time, 0), this.duration);
    if (playing) await this.play();
  }
}

// Keys that act wherever the focus is, but for Space on a button that Tab has gone to.
function onKeys(acts) {
  let tabbed = false;
  const isOwn = ({ code, target, ctrlKey, altKey, metaKey }) =>
    code in acts && !ctrlKey && !altKey && !metaKey && !(code === "Space" && tabbed && target.matches("button"));
  document.addEventListener("pointerdown", () => (tabbed = false));
  document.addEventListener("keydown", (event) => {
    if (event.code === "Tab") tabbed = true;
    if (!isOwn(event)) return;
    event.preventDefault();
    if (event.code !== "Space" || !event.repeat) acts[event.code]();
  });
  // Firefox would press a button that was clicked before, too, when Space is let go.
  document.addEventListener("keyup", (event) => isOwn(event) && event.preventDefault());
}

async function main() {
  const track = new Track(DATA.track.names, DATA.track.fps, new Uint8Array(await inflate(DATA.track.values)));
  const capture = DATA.capture && new Track(DATA.capture.names, DATA.capture.fps, new Uint8Array(await inflate(DATA.capture.values)));
  const player = new Player(DATA.duration);
  const views = [["face", "Face"]];
  if (capture) views.push(["capture", "Capture"], ["both", "Side by side"]);
  const stage = new Stage(views, await openRig(warn));
  const timeline = new Timeline(byId("timeline"), DATA.duration, (t) => player.seek(t));
  timeline.setData(bytes(DATA.peaks), new Uint8Array(await inflate(DATA.mel)), DATA.melBands, track, capture);
  const panel = new Panel(byId("curves"), DATA.groups, (name) => timeline.toggle(name));
  document.querySelector('.row[data-name="jawOpen"]').click();
  byId("length").textContent = clock(DATA.duration);

  const fail = (error) => warn(`The sound cannot be played: ${error.message}`);
  const toggle = () => (player.playing || player.starting ? player.pause() : player.play().catch(fail));
  byId("play").addEventListener("click", toggle);
  byId("start").addEventListener("click", toggle);
  const step = (frames) => player.seek(player.time() + frames / track.fps);
  onKeys({ Space: toggle, ArrowLeft: () => step(-1), ArrowRight: () => step(1) });

  const weights = restingWeights(), captured = restingWeights();
  const state = { ready: true, player, track, stage, timeline, weights, drawn: 0, loadTime: 0 };
  window.koemorph = state;
  const now = byId("now"), due = every(100); // sooner, nobody could read it
  const frame = () => {
    const time = player.time();
    if (player.playing && time >= player.duration) player.pause();
    track.sample(time, weights);
    if (capture) capture.sample(time, captured);
    stage.draw(weights, captured);
    timeline.draw(time);
    panel.update(weights);
    if (clock(time) !== now.textContent && (!player.playing || due())) now.textContent = clock(time);
    stage.showRunning(player.playing);
    state.drawn++;
    requestAnimationFrame(frame);
    if (state.loadTime) return;
    state.loadTime = performance.now();
    setTimeout(() => player.load(DATA.audio).catch(fail));
  };
  requestAnimationFrame(frame);
}

main().catch((error) => warn(`This page could not be shown: ${error.message}`));
