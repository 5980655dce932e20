// Passes the microphone's first channel on in blocks of about 10 ms.
class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(Math.ceil(sampleRate / 100));
    this.filled = 0;
    this.nothing = null;
  }

  process([input]) {
    // Where the browser has nothing in between, time goes on as silence.
    const samples = input[0] ?? this.nothing;
    if (!samples) return true;
    this.nothing ??= new Float32Array(samples.length);
    for (const sample of samples) {
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
