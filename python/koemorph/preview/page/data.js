// Access to the page's elements and embedded data (base64, partly gzipped).
"use strict";

const byId = (id) => document.getElementById(id);
const DATA = JSON.parse(byId("data").textContent);

function bytes(base64) {
  const text = atob(base64), out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

async function inflate(base64) {
  const stream = new Blob([bytes(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

// A curve per name: bytes 0..255, `names.length` per frame.
class Track {
  constructor(names, fps, values) {
    this.names = names;
    this.fps = fps;
    this.values = values;
    this.frames = values.length / names.length;
    this.index = new Map(names.map((name, k) => [name, k]));
  }

  // Write the interpolated weights at a time into `out` (name -> 0..1).
  sample(time, out) {
    const n = this.names.length, at = Math.min(Math.max(time * this.fps, 0), Math.max(this.frames - 1, 0));
    const a = Math.floor(at), b = Math.min(a + 1, this.frames - 1), mix = at - a;
    for (let k = 0; k < n; k++) {
      const from = this.values[a * n + k] || 0, to = this.values[b * n + k] || 0;
      out[this.names[k]] = (from + (to - from) * mix) / 255;
    }
    return out;
  }

  value(frame, name) {
    return this.values[frame * this.names.length + this.index.get(name)] / 255;
  }
}

function neutralWeights(names = DATA.blendshapes) {
  return Object.fromEntries(names.map((name) => [name, 0]));
}

async function openTrack(track) {
  return track && new Track(track.names, track.fps, new Uint8Array(await inflate(track.values)));
}
