// Captures audio in the audio thread and sends it to the worker, in blocks of 4 quanta.
const BLOCK = 512;

class KoeMorphCapture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(BLOCK);
    this.filled = 0;
    this.end = 0; // position of the next sample in the context
    this.running = true;
    this.port.onmessage = ({ data }) => {
      if (data.port !== undefined) {
        this.target = data.port;
        return;
      }
      this.send();
      this.target?.postMessage("done");
      this.running = false;
    };
  }

  process([input], [output]) {
    const length = output[0].length;
    this.end = currentFrame;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (const channel of input) sum += channel[i];
      this.block[this.filled++] = input.length > 0 ? sum / input.length : 0;
      this.end++;
      if (this.filled === BLOCK) this.send();
    }
    for (let channel = 0; channel < output.length; channel++) {
      if (input.length > 0) output[channel].set(input[Math.min(channel, input.length - 1)]);
    }
    return this.running;
  }

  send() {
    if (this.filled > 0 && this.target !== undefined) {
      const samples = this.block.slice(0, this.filled);
      const frame = this.end - this.filled;
      this.target.postMessage({ samples, frame }, [samples.buffer]);
    }
    this.filled = 0;
  }
}

registerProcessor("koemorph-capture", KoeMorphCapture);
