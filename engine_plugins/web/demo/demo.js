// The demo page: a recording or the microphone moves the drawn face. mouth.js and portrait.js are
// those of the preview page.
/* global drawPortrait */
import { callbackAdapter } from "../dist/adapters.js";
import { KoeMorph } from "../dist/koemorph.js";

const PRESETS = ["natural", "expressive", "subtle", "microphone", "background", "raw"];
const byId = (id) => document.getElementById(id);
const canvas = byId("face");
const audio = byId("audio");
let context = null;
let bars = [];

function show(text, isError = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("error", isError);
}

function draw(weights) {
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const c = canvas.getContext("2d");
  c.clearRect(0, 0, width, height);
  const size = Math.min(0.99 * height, 1.3 * width);
  drawPortrait(c, weights, width / 2, height - 0.48 * size, size);
  for (const [name, bar] of bars) bar.style.transform = `scaleX(${weights[name]})`;
}

function addBars(names) {
  bars = names.map((name) => {
    const row = document.createElement("div");
    row.className = "curve";
    const bar = document.createElement("i");
    row.append(name, bar);
    byId("curves").append(row);
    return [name, bar];
  });
}

async function attempt(action) {
  try {
    context ??= new AudioContext();
    await context.resume();
    await action();
  } catch (error) {
    show(error.message, true);
  }
}

async function start() {
  const koemorph = await KoeMorph.load({
    model: new URL("../models/koemorph-30-fast.onnx", import.meta.url),
  });
  const face = await koemorph.createFace();
  const adapter = callbackAdapter(koemorph.blendshapes, draw);
  addBars(koemorph.blendshapes);
  face.addEventListener("warning", ({ detail }) => show(detail.message, true));

  async function open(file) {
    URL.revokeObjectURL(audio.src);
    audio.src = URL.createObjectURL(file);
    audio.hidden = false;
    await face.connectMedia(audio, context);
    await audio.play();
  }
  byId("file").onchange = ({ target }) => target.files[0] && attempt(() => open(target.files[0]));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file !== undefined) attempt(() => open(file));
  });
  byId("microphone").onclick = () => {
    audio.pause();
    attempt(() => face.connectMicrophone(context));
  };
  for (const name of PRESETS) byId("preset").append(new Option(name));
  const usePreset = async () => {
    const url = new URL(`../presets/${byId("preset").value}.json`, import.meta.url);
    await face.setPreset(await (await fetch(url)).text());
  };
  byId("preset").onchange = () => attempt(usePreset);
  await usePreset();

  show(`Ready: ${koemorph.fps} fps, version ${koemorph.version}`);
  let shown = 0;
  const frame = (now) => {
    adapter.apply(face.sample());
    if (now - shown > 500 && face.frameCount > 0 && context?.state === "running") {
      shown = now;
      const milliseconds = (seconds) => `${(1000 * seconds).toFixed(1)} ms`;
      show(`latency ${milliseconds(face.latency)}, computing ${milliseconds(face.cost)} a call`);
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  return { face, koemorph };
}

window.demo = start();
window.demo.catch((error) => show(error.message, true));
