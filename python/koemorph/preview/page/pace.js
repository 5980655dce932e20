// Frame pacing: draw only changes, at the resolution that the machine can draw smoothly.
"use strict";

// Returns a function that returns true at most once per interval.
function throttle(milliseconds) {
  let last = -Infinity;
  return () => {
    const now = performance.now();
    if (now - last < milliseconds) return false;
    last = now;
    return true;
  };
}

// Compares numbers with those of the previous call.
class Changes {
  constructor() {
    this.last = [];
  }

  in(numbers) {
    const same = numbers.length === this.last.length && numbers.every((value, k) => value === this.last[k]);
    this.last = numbers;
    return !same;
  }
}

const WINDOW = 40; // frames per measurement
const SLOW = 1000 / 45, SMOOTH = 1000 / 56; // milliseconds per frame
const STEP = 0.8;

// The fraction of the screen's resolution to draw at: lower while frames take long, higher when there is time.
class Quality {
  constructor() {
    this.scale = 1;
    this.intervals = [];
    this.raiseDelay = 2; // measurements before the next increase, doubled by every failed one
    this.wait = 0;
  }

  // Call for every animation frame; a frame's time is the interval to the next call.
  // `minimum` is the lowest scale that still looks good.
  frame(drawn, minimum) {
    const now = performance.now(), interval = now - this.at, counts = this.drawn && interval < 500;
    this.at = now;
    this.drawn = drawn;
    if (!counts) return; // nothing was drawn, or the page was hidden
    this.intervals.push(interval);
    if (this.intervals.length < WINDOW) return;
    this.judge(this.intervals.sort((a, b) => a - b)[WINDOW / 2], minimum);
    this.intervals = [];
  }

  judge(pace, minimum) {
    // A lower resolution that is not faster, for example on a 30 Hz screen, is undone.
    const failed = this.tried && (this.tried.finer ? pace > SLOW : pace > 0.92 * this.tried.pace);
    if (failed) {
      this.scale = this.tried.scale;
      this.raiseDelay = Math.min(2 * this.raiseDelay, 64);
      this.wait = this.raiseDelay;
    }
    this.tried = null;
    if (this.wait-- > 0) return;
    const finer = pace < SMOOTH && this.scale < 1;
    if (!finer && !(pace > SLOW && this.scale > minimum)) return;
    this.tried = { scale: this.scale, pace, finer };
    this.scale = finer ? Math.min(1, this.scale / STEP) : Math.max(minimum, this.scale * STEP);
    this.wait = finer ? this.raiseDelay : 0;
  }
}
