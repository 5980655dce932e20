// The recorded page: plays the audio and shows the face at the audio's time.
"use strict";

const SPEEDS = [1, 0.5, 0.25];
const clock = (t) => `${Math.floor(t / 60)}:${(t % 60).toFixed(2).padStart(5, "0")}`;

function warn(text) {
  byId("status").textContent = text;
  byId("status").classList.add("bad");
}

class Player {
  constructor(duration) {
    this.duration = duration;
    this.offset = 0;
    this.speed = 1;
    this.loop = false;
    this.source = null;
    this.starting = false;
    this.extraOutput = null; // a further destination of the audio, while a video is recorded
  }

  // Decode once, after the first frame is shown; playing waits for it.
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

  // The time of the audio that is audible now, i.e. without the output latency.
  time() {
    if (!this.playing) return this.offset;
    const now = this.context ? this.context.currentTime - (this.context.outputLatency || 0) : performance.now() / 1000;
    return Math.max(this.offset, Math.min(this.offset + (now - this.startedAt) * this.speed, this.duration));
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
      this.source = new AudioBufferSourceNode(this.context, { buffer: this.buffer, playbackRate: this.speed });
      this.source.connect(this.context.destination);
      if (this.extraOutput) this.source.connect(this.extraOutput);
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

  async setSpeed(speed) {
    const time = this.time();
    if (this.playing) this.pause(), this.resumes = true;
    this.speed = speed;
    this.offset = time;
    if (this.resumes) await this.play();
    this.resumes = false;
  }

  // Call for every animation frame: pause or repeat at the end.
  async checkEnd() {
    if (!this.playing || this.time() < this.duration) return;
    this.pause();
    if (!this.loop) return;
    this.offset = 0;
    await this.play();
  }
}

// Shortcuts work wherever the focus is, except Space on a button that was focused with Tab.
function onKeys(actions) {
  let tabbed = false;
  const handles = ({ code, target, ctrlKey, altKey, metaKey }) =>
    code in actions && !ctrlKey && !altKey && !metaKey && !(code === "Space" && tabbed && target.matches("button"));
  document.addEventListener("pointerdown", () => (tabbed = false));
  document.addEventListener("keydown", (event) => {
    if (event.code === "Tab") tabbed = true;
    if (!handles(event)) return;
    event.preventDefault();
    if (event.code.startsWith("Arrow") || !event.repeat) actions[event.code]();
  });
  // Firefox presses a focused button when Space is released.
  document.addEventListener("keyup", (event) => handles(event) && event.preventDefault());
}

// A take's tracks and their current weights; a track is missing where the take has other curves.
async function openTake({ label, track, rigTrack }) {
  const face = await openTrack(track), rig = (await openTrack(rigTrack)) || face;
  return { label, face, rig, faceWeights: neutralWeights(), rigWeights: neutralWeights((rig || face).names) };
}

function sampleTakes(takes, time) {
  for (const { face, rig, faceWeights, rigWeights } of takes) {
    face?.sample(time, faceWeights);
    rig.sample(time, rigWeights);
  }
}

function connectTransport(player, fps, record) {
  const fail = (error) => warn(`The audio cannot be played: ${error.message}`);
  const toggle = () => (player.playing || player.starting ? player.pause() : player.play().catch(fail));
  const step = (frames) => {
    if (player.playing) player.pause();
    player.seek((Math.round(player.time() * fps) + frames) / fps);
  };
  const loop = () => {
    player.loop = !player.loop;
    byId("loop").setAttribute("aria-pressed", String(player.loop));
  };
  const speed = () => {
    const next = SPEEDS[(SPEEDS.indexOf(player.speed) + 1) % SPEEDS.length];
    byId("speed").textContent = `${next}×`;
    byId("speed").setAttribute("aria-pressed", String(next !== 1));
    return player.setSpeed(next).catch(fail);
  };
  for (const id of ["play", "start"]) byId(id).addEventListener("click", toggle);
  byId("loop").addEventListener("click", loop);
  byId("speed").addEventListener("click", speed);
  byId("record").addEventListener("click", record);
  onKeys({
    Space: toggle, ArrowLeft: () => step(-1), ArrowRight: () => step(1), KeyL: loop, KeyS: speed,
    Home: () => player.seek(0), End: () => player.seek(player.duration),
  });
  byId("hint").textContent = DATA.rig
    ? "Space: play · ← →: one frame · rig: drag rotates, Shift-drag moves, wheel zooms"
    : "Space: play · ← →: one frame · click a name to see its curve";
  return fail;
}

async function main() {
  const takes = await Promise.all(DATA.takes.map(openTake));
  const player = new Player(DATA.duration), fps = takes[0].rig.fps, hasFace = takes.every(({ face }) => face);
  const stage = new Stage(takes.map(({ label }) => label), await openRig(warn), hasFace);
  let editor = null;
  const timeline = new Timeline(byId("timeline"), DATA.duration, (t) => player.seek(t), (from, to) => editor?.setRange(from, to));
  const tracks = takes.map(({ face, rig }) => (hasFace ? face : rig));
  timeline.setData(bytes(DATA.peaks), new Uint8Array(await inflate(DATA.mel)), DATA.melBands, tracks);
  const panel = new Panel(byId("curves"), DATA.groups, (name) => {
    editor?.setTarget(name);
    return timeline.toggle(name);
  });
  if (takes[0].face) {
    // A retargeted rig shows the edits of the command line: maps are not evaluated in the page.
    const plain = takes[0].face, isShared = takes[0].rig === plain;
    const apply = (edits) => {
      takes[0].face = edits.length ? editTrack(plain, edits) : plain;
      if (isShared) takes[0].rig = takes[0].face;
      if (hasFace) tracks[0] = takes[0].face;
      timeline.dirty = true;
    };
    editor = new EditPanel(byId("curves"), DATA.edits, DATA.duration, apply);
    apply(DATA.edits);
  }
  (document.querySelector('.row[data-name="jawOpen"]') || document.querySelector(".row"))?.click();
  byId("length").textContent = clock(DATA.duration);

  const recorder = new Recorder(stage, player, warn);
  const fail = connectTransport(player, fps, () => recorder.toggle().catch(fail));
  const faces = takes.map(({ faceWeights }) => faceWeights), rigs = takes.map(({ rigWeights }) => rigWeights);
  const show = (time) => {
    sampleTakes(takes, time);
    stage.draw(faces, rigs);
  };
  const state = { ready: true, player, takes, stage, timeline, recorder, editor, show, weights: faces[0], drawn: 0, loadTime: 0 };
  window.koemorph = state;
  if (DATA.export) return exportFrames(stage, show, DATA.export, DATA.duration);
  const now = byId("now"), number = byId("frame"), due = throttle(100); // faster is not readable
  const frame = () => {
    player.checkEnd().catch(fail);
    const time = player.time(), at = Math.min(Math.floor(time * fps + 1e-6), Math.max(tracks[0].frames - 1, 0));
    show(time);
    recorder.frame();
    timeline.draw(time);
    panel.update(hasFace ? takes[stage.shown[0]].faceWeights : takes[stage.shown[0]].rigWeights);
    if (`${clock(time)} ${at}` !== state.shownTime && (!player.playing || due())) {
      state.shownTime = `${clock(time)} ${at}`;
      now.textContent = clock(time);
      number.textContent = at;
    }
    stage.showRunning(player.playing);
    state.drawn++;
    requestAnimationFrame(frame);
    if (state.loadTime) return;
    state.loadTime = performance.now();
    setTimeout(() => player.load(DATA.audio).catch(fail));
  };
  requestAnimationFrame(frame);
}

main().catch((error) => warn(`The page cannot be shown: ${error.message}`));
