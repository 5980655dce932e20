// checks.mjs PACKAGE MODEL: results of small checks as JSON.
import { readFileSync } from "node:fs";

const [folder, model] = process.argv.slice(2);
const { KoeMorph } = await import(`${folder}/dist/koemorph.js`);
const { callbackAdapter } = await import(`${folder}/dist/adapters.js`);
const out = {};

async function code(call) {
  try {
    await call();
  } catch (error) {
    return error.code;
  }
  return null;
}

const other = new TextEncoder().encode("not a model");
const noise = (count) => Float32Array.from({ length: count }, (_, i) => 0.3 * Math.sin(i * i));
const koemorph = await KoeMorph.load({ model: new URL(`file://${model}`) });
const face = await koemorph.createFace({ sampleRate: 16000 });
out.codes = {
  other: await code(() => KoeMorph.load({ model: other })),
  missing: await code(() => KoeMorph.load({})),
  sampleRate: await code(() => koemorph.createFace({ sampleRate: 1 })),
  samples: await code(() => face.push([1, 2])),
  preset: await code(() => face.setPreset("{")),
  control: await code(() => face.setControls({ blinks: 1 })),
  map: await code(() => koemorph.retargetMap("{}")),
};
out.names = koemorph.blendshapes;
out.fps = koemorph.fps;

// The device changes its rate: 1 s, then 1 s, in one stream; 16-bit samples as well.
face.push(noise(16000));
face.push(Int16Array.from(noise(48000), (x) => 32767 * x), 48000);
await face.flush();
out.frameCount = face.frameCount;

const all = face.frames;
const jaw = koemorph.blendshapes.indexOf("jawOpen");
const at = (time) => face.sample(time, new Float32Array(52));
out.between = Math.abs(at(0.5 / 30)[jaw] - (all[jaw] + all[52 + jaw]) / 2);
out.newest = at(undefined)[jaw] === all[all.length - 52 + jaw];
at(1);
face.fadeOut(0.5);
out.faded = Math.max(...at(1.5));
at(1.5);
face.fadeIn(0.1);
out.back = at(1.9)[jaw] > 0;
at(1.2);
face.pause();
const held = at(1.9);
face.resume();
out.paused = held[jaw] === at(1.2)[jaw];

await face.reset();
out.afterReset = [face.frameCount, Math.max(...at(0))];
await face.setControls({ lower_strength: 0, upper_strength: 0, blink: 0, saccades: 0, idle: 0 });

const map = koemorph.retargetMap(readFileSync(`${folder}/maps/vrm1.json`, "utf8"), ["aa", "ou", "x"]);
out.map = [map.names, map.driven, map.apply(new Float32Array(52).fill(0)).length];

let named = null;
callbackAdapter(koemorph.blendshapes, (values) => (named = values)).apply(all.subarray(52, 104));
out.callback = named.jawOpen === all[52 + jaw];
console.log(JSON.stringify(out));
