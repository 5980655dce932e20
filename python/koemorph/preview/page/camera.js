// The rig's camera: drag to rotate, Shift-drag or right-drag to pan, wheel to zoom, double-click to reset.
"use strict";

const FOCAL_LENGTH = 4.2, NEAR = 0.05, FAR = 20, HEAD_DISTANCE = 4.55, MOUTH_DISTANCE = 1.7;

class Camera {
  // `mouth`: the mouth's centre in the page's coordinates, or null; `backwards`: the model faces -Z.
  constructor(canvas, mouth, backwards) {
    this.canvas = canvas;
    this.mouth = mouth;
    this.backwards = backwards;
    this.reset();
    this.listen();
  }

  reset() {
    Object.assign(this, { yaw: 0, pitch: 0, distance: HEAD_DISTANCE, target: [0, 0, 0] });
  }

  showMouth() {
    this.reset();
    this.target = this.turned(this.mouth || [0, -0.4, 0]);
    this.distance = MOUTH_DISTANCE;
  }

  turned([x, y, z]) {
    return this.backwards ? [-x, y, -z] : [x, y, z];
  }

  listen() {
    this.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    this.canvas.addEventListener("dblclick", () => this.reset());
    this.canvas.addEventListener("pointerdown", (event) => this.canvas.setPointerCapture(event.pointerId));
    this.canvas.addEventListener("pointermove", (event) => {
      if (!event.buttons) return;
      if (event.buttons !== 1 || event.shiftKey) this.pan(event.movementX, event.movementY);
      else this.rotate(event.movementX, event.movementY);
    });
    this.canvas.addEventListener("wheel", (event) => {
      this.distance = Math.min(Math.max(this.distance * Math.exp(event.deltaY * 0.001), 0.8), 12);
      event.preventDefault();
    }, { passive: false });
  }

  rotate(x, y) {
    this.yaw += x * 0.008;
    this.pitch = Math.min(Math.max(this.pitch + y * 0.008, -1.2), 1.2);
  }

  // Move the target by pixels, in the plane of the screen.
  pan(x, y) {
    const size = (2 * this.distance) / FOCAL_LENGTH / this.canvas.clientHeight;
    const [right, up] = this.axes();
    this.target = this.target.map((value, k) => value - right[k] * x * size + up[k] * y * size);
  }

  // The camera's right, up and backward directions.
  axes() {
    const cx = Math.cos(this.yaw), sx = Math.sin(this.yaw), cy = Math.cos(this.pitch), sy = Math.sin(this.pitch);
    return [[cx, 0, sx], [sx * sy, cy, -cx * sy], [-sx * cy, sy, cx * cy]];
  }

  // Column-major view and projection matrices for a viewport of this aspect.
  matrices(aspect) {
    const axes = this.axes(), sign = this.backwards ? -1 : 1;
    const shift = axes.map((axis) => -axis.reduce((sum, value, k) => sum + value * this.target[k], 0));
    const column = (k, s) => [...axes.map((axis) => axis[k] * s), 0];
    const view = [...column(0, sign), ...column(1, 1), ...column(2, sign), shift[0], shift[1], shift[2] - this.distance, 1];
    const f = FOCAL_LENGTH * Math.min(1, aspect * 1.25);
    const projection = [f / aspect, 0, 0, 0, 0, f, 0, 0, 0, 0, -(FAR + NEAR) / (FAR - NEAR), -1, 0, 0, (-2 * FAR * NEAR) / (FAR - NEAR), 0];
    return { view, projection };
  }

  // Numbers that change when the picture does.
  state() {
    return [this.yaw, this.pitch, this.distance, ...this.target];
  }
}
