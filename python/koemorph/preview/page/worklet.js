// Passes the microphone's first channel on in blocks of about 10 ms.
class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(Math.ceil(sampleRate / 100));
    this.filled = 0;
  }

  process([input]) {
    if (!input.length) return true;
    for (const sample of input[0]) {
      this.block[this.filled++] = sample;
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}
registerProcessor("tap", Tap);
