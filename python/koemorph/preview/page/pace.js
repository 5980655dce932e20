// How often and how finely a page draws: all that the machine manages, and nothing that stands still.
"use strict";

// A function that says yes at most once in so many milliseconds.
function every(milliseconds) {
  let last = -Infinity;
  return () => {
    const now = performance.now();
    if (now - last < milliseconds) return false;
    last = now;
    return true;
  };
}

// Whether numbers differ from those of the last time.
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

const WINDOW = 40; // pictures by which the pace is judged
const SLOW = 1000 / 45, SMOOTH = 1000 / 56; // milliseconds a picture
const STEP = 0.8;

// The share of a screen's own resolution to draw at: less while pictures take long, more when there is time.
class Quality {
  constructor() {
    this.share = 1;
    this.intervals = [];
    this.patience = 2; // windows to wait before the next try, doubled by each that was in vain
    this.wait = 0;
  }

  // Called whenever the screen asks for a picture; a picture's time is from its asking to the next.
  // `least` is the lowest share that still looks well.
  asked(drawn, least) {
    const now = performance.now(), interval = now - this.at, counts = this.drawn && interval < 500;
    this.at = now;
    this.drawn = drawn;
    if (!counts) return; // at rest, or the page was hidden
    this.intervals.push(interval);
    if (this.intervals.length < WINDOW) return;
    this.judge(this.intervals.sort((a, b) => a - b)[WINDOW / 2], least);
    this.intervals = [];
  }

  judge(pace, least) {
    // A coarser picture that comes no sooner, on a screen of 30 Hz say, was coarsened in vain.
    const vain = this.tried && (this.tried.finer ? pace > SLOW : pace > 0.92 * this.tried.pace);
    if (vain) {
      this.share = this.tried.share;
      this.patience = Math.min(2 * this.patience, 64);
      this.wait = this.patience;
    }
    this.tried = null;
    if (this.wait-- > 0) return;
    const finer = pace < SMOOTH && this.share < 1;
    if (!finer && !(pace > SLOW && this.share > least)) return;
    this.tried = { share: this.share, pace, finer };
    this.share = finer ? Math.min(1, this.share / STEP) : Math.max(least, this.share * STEP);
    this.wait = finer ? this.patience : 0;
  }
}
