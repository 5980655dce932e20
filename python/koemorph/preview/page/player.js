// The recorded page: plays the sound and shows the face of the moment that is heard.
"use strict";

const clock = (t) => `${Math.floor(t / 60)}:${(t % 60).toFixed(2).padStart(5, "0")}`;

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
    await this.load(DATA.audio).finally(() => (this.starting = false));
    if (this.offset >= this.duration - 0.01) this.offset = 0;
    if (this.context) {
      await this.context.resume();
      this.source = new AudioBufferSourceNode(this.context, { buffer: this.buffer });
      this.source.connect(this.context.destination);
      this.source.start(0, Math.min(this.offset, this.buffer.duration));
      this.startedAt = this.context.currentTime;
    } else this.startedAt = performance.now() / 1000;
  }

  pause() {
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

async function main() {
  const track = new Track(DATA.track.names, DATA.track.fps, new Uint8Array(await inflate(DATA.track.values)));
  const capture = DATA.capture && new Track(DATA.capture.names, DATA.capture.fps, new Uint8Array(await inflate(DATA.capture.values)));
  const player = new Player(DATA.duration);
  const views = [["face", "Face"]];
  if (DATA.rig) views.unshift(["rig", "Rig"]);
  if (capture) views.push(["capture", "Capture"], ["both", "Side by side"]);
  const stage = new Stage(views);
  if (DATA.rig) stage.rig = new Rig(stage.rigCanvas, DATA.rig, await inflate(DATA.rig.data));
  stage.show(DATA.rig ? "rig" : capture ? "both" : "face");
  const timeline = new Timeline(byId("timeline"), DATA.duration, (t) => player.seek(t));
  timeline.setData(bytes(DATA.peaks), new Uint8Array(await inflate(DATA.mel)), DATA.melBands, track, capture);
  const panel = new Panel(byId("curves"), DATA.groups, (name) => timeline.toggle(name));
  document.querySelector('.row[data-name="jawOpen"]').click();
  byId("length").textContent = clock(DATA.duration);

  const fail = (error) => {
    byId("status").textContent = `The sound cannot be played: ${error.message}`;
    byId("status").classList.add("bad");
  };
  const toggle = () => (player.playing ? player.pause() : player.play().catch(fail));
  byId("play").addEventListener("click", toggle);
  byId("start").addEventListener("click", toggle);
  document.addEventListener("keydown", (event) => {
    if (event.code === "Space") toggle();
    else if (event.code === "ArrowLeft") player.seek(player.time() - 1 / track.fps);
    else if (event.code === "ArrowRight") player.seek(player.time() + 1 / track.fps);
    else return;
    event.preventDefault();
  });

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

main().catch((error) => {
  byId("status").textContent = `This page could not be shown: ${error.message}`;
  byId("status").classList.add("bad");
});
