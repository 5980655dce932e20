// Waveform, mel spectrogram and the selected curves over time, with a playhead.
"use strict";

const DASHES = [[], [5, 5], [2, 4], [9, 3, 2, 3]]; // one per take
const CURVE_COLORS = ["#ff9a7a", "#7fd4ff", "#b9f18c", "#ffd866", "#d9a3ff", "#ff8fb8", "#6ff0d0", "#c2c8e4"];

// The colour of each of the 256 mel levels as a pixel in memory order.
function melColors() {
  const stops = [[14, 17, 26], [58, 44, 112], [176, 66, 128], [255, 146, 106], [255, 232, 170]];
  const pixels = new Uint8ClampedArray(256 * 4);
  for (let v = 0; v < 256; v++) {
    const at = (v / 256) * (stops.length - 1), k = Math.floor(at), mix = at - k;
    pixels.set([...stops[k].map((from, i) => from + (stops[k + 1][i] - from) * mix), 255], v * 4);
  }
  return new Uint32Array(pixels.buffer);
}

class Timeline {
  // `onRange(from, to)` is called for a drag with Shift, which selects a range.
  constructor(canvas, duration, onSeek, onRange = () => {}) {
    this.canvas = canvas;
    this.duration = Math.max(duration, 1e-3);
    this.chosen = new Map();
    this.background = document.createElement("canvas");
    this.range = null;
    const timeAt = (event) => {
      const box = canvas.getBoundingClientRect();
      return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * this.duration;
    };
    let from = null; // of the range that is being selected
    const move = (event) => {
      if (from === null) return onSeek(timeAt(event));
      this.range = [from, timeAt(event)].sort((a, b) => a - b);
      this.drawnAt = -1;
      onRange(...this.range);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      from = event.shiftKey ? timeAt(event) : null;
      move(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && move(event));
  }

  setData(peaks, mel, melBands, tracks) {
    Object.assign(this, { peaks, mel, melBands, tracks });
    this.dirty = true;
  }

  toggle(name) {
    if (this.chosen.has(name)) this.chosen.delete(name);
    else {
      const used = new Set(this.chosen.values());
      this.chosen.set(name, CURVE_COLORS.find((color) => !used.has(color)) || CURVE_COLORS[0]);
    }
    this.dirty = true;
    return this.chosen.get(name);
  }

  resize() {
    const scale = window.devicePixelRatio || 1;
    const width = Math.round(this.canvas.clientWidth * scale), height = Math.round(this.canvas.clientHeight * scale);
    if (this.canvas.width === width && this.canvas.height === height) return;
    this.canvas.width = this.background.width = width;
    this.canvas.height = this.background.height = height;
    this.dirty = true;
  }

  drawMel(c, width, top, height) {
    const bands = this.melBands, columns = this.mel.length / bands;
    if (!columns) return;
    const picture = document.createElement("canvas");
    picture.width = columns;
    picture.height = bands;
    const image = new ImageData(columns, bands), pixels = new Uint32Array(image.data.buffer), colors = melColors();
    for (let x = 0; x < columns; x++) {
      for (let y = 0; y < bands; y++) pixels[y * columns + x] = colors[this.mel[x * bands + bands - 1 - y]];
    }
    picture.getContext("2d").putImageData(image, 0, 0);
    c.imageSmoothingEnabled = true;
    c.drawImage(picture, 0, top, width, height);
  }

  drawWave(c, width, middle, height) {
    const columns = this.peaks.length;
    c.fillStyle = "#aab4ff";
    for (let x = 0; x < width; x++) {
      const from = Math.floor((x / width) * columns), to = Math.max(from + 1, Math.floor(((x + 1) / width) * columns));
      let peak = 0;
      for (let k = from; k < to; k++) peak = Math.max(peak, this.peaks[k]);
      const half = Math.max(0.5, (peak / 255) * height);
      c.fillRect(x, middle - half, 1, 2 * half);
    }
  }

  drawCurve(c, track, name, color, width, top, height, dash) {
    if (!track || !track.index.has(name)) return;
    c.strokeStyle = color;
    c.lineWidth = 1.6 * (window.devicePixelRatio || 1);
    c.setLineDash(dash);
    c.beginPath();
    const step = Math.max(1, Math.floor(track.frames / width / 2));
    for (let frame = 0; frame < track.frames; frame += step) {
      const x = (frame / track.fps / this.duration) * width;
      c.lineTo(x, top + height * (1 - track.value(frame, name)));
    }
    c.stroke();
    c.setLineDash([]);
  }

  drawBackground() {
    const c = this.background.getContext("2d"), { width, height } = this.background;
    c.fillStyle = "#11141f";
    c.fillRect(0, 0, width, height);
    this.drawMel(c, width, height * 0.3, height * 0.7);
    this.drawWave(c, width, height * 0.15, height * 0.14);
    if (this.chosen.size) {
      c.fillStyle = "rgba(14,17,26,.5)";
      c.fillRect(0, height * 0.3, width, height * 0.7);
    }
    for (const [name, color] of this.chosen) {
      this.tracks.forEach((track, k) => this.drawCurve(c, track, name, color, width, height * 0.34, height * 0.62, DASHES[k % DASHES.length]));
    }
    this.dirty = false;
  }

  draw(time) {
    this.resize();
    const c = this.canvas.getContext("2d"), { width, height } = this.canvas;
    if (!width || !height) return; // hidden
    const x = Math.round((time / this.duration) * width);
    if (!this.dirty && x === this.drawnAt) return;
    if (this.dirty) this.drawBackground();
    this.drawnAt = x;
    c.drawImage(this.background, 0, 0);
    c.fillStyle = "rgba(10,12,20,.42)";
    c.fillRect(x, 0, width - x, height);
    c.fillStyle = "rgba(255,255,255,.16)";
    if (this.range) c.fillRect((this.range[0] / this.duration) * width, 0, ((this.range[1] - this.range[0]) / this.duration) * width, height);
    c.fillStyle = "#fff";
    c.fillRect(x - 1, 0, 2, height);
  }
}
