// animate.mjs PACKAGE MODEL PCM RATE WASM: writes the frames of float samples as floats.
import { readFileSync, writeFileSync } from "node:fs";

const [folder, model, pcm, rate, wasm] = process.argv.slice(2);
const { KoeMorph } = await import(`${folder}/dist/koemorph.js`);
const koemorph = await KoeMorph.load({ model: readFileSync(model), wasm: readFileSync(wasm) });
const face = await koemorph.createFace({ sampleRate: Number(rate), historySeconds: 60 });
const bytes = readFileSync(pcm);
const samples = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
// Blocks of different lengths: longer and shorter than the stream's buffer.
for (let at = 0, length = 100; at < samples.length; at += length, length = (3 * length) % 50000) {
  face.push(samples.subarray(at, at + length));
}
await face.flush();
writeFileSync(1, new Uint8Array(face.frames.buffer));
