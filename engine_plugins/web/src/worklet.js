// Captures audio in the audio thread and sends it to the worker, in blocks of 4 quanta.
const BLOCK = 512;

class KoeMorphCapture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(BLOCK);
    this.filled = 0;
    this.ended = false;
    this.port.onmessage = ({ data }) => {
      if (data.port !== undefined) this.target = data.port;
      else this.ended = true;
    };
  }

  process([input], [output]) {
    if (this.ended) {
      this.send();
      this.target?.postMessage("done");
      return false;
    }
    const length = output[0].length;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (const channel of input) sum += channel[i];
      this.block[this.filled++] = input.length > 0 ? sum / input.length : 0;
      if (this.filled === BLOCK) this.send(currentFrame + i + 1);
    }
    for (let channel = 0; channel < output.length; channel++) {
      if (input.length > 0) output[channel].set(input[Math.min(channel, input.length - 1)]);
    }
    return true;
  }

  send(end = currentFrame) {
    if (this.filled === 0 || this.target === undefined) return;
    const samples = this.block.slice(0, this.filled);
    this.target.postMessage({ samples, frame: end - this.filled }, [samples.buffer]);
    this.filled = 0;
  }
}

registerProcessor("koemorph-capture", KoeMorphCapture);
