// Sends the microphone's first channel to the page in blocks of about 10 ms.
class BlockSender extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(Math.ceil(sampleRate / 100));
    this.filled = 0;
    this.silence = null;
  }

  process([input]) {
    // Without input, time continues as silence.
    const samples = input[0] ?? this.silence;
    if (!samples) return true;
    this.silence ??= new Float32Array(samples.length);
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
registerProcessor("block-sender", BlockSender);
