// What is on the stage: the drawn face, the capture's beside it, or the user's rig.
"use strict";

const VIEWS = ["face", "rig", "capture", "both"];
const LEAST_SCALE = 0.6; // of a CSS pixel; coarser than that, eyes and teeth fall apart
const RESTING = 15; // pictures alike, after which nothing is taken to move
const PLAY = "M8 5v14l11-7z", PAUSE = "M7 5h4v14H7zM13 5h4v14h-4z";

class Stage {
  constructor(views, rig) {
    this.face = byId("face");
    this.rigCanvas = byId("rig");
    this.context = this.face.getContext("2d");
    this.rig = rig;
    this.changes = new Changes();
    this.still = 0;
    this.quality = new Quality();
    this.chips = byId("views");
    if (rig) views = [["rig", "Rig"], ...views];
    if (views.length > 1) views.forEach(([name, label]) => this.addChip(name, label));
    this.show(rig ? "rig" : views.at(-1)[0]);
  }

  addChip(name, label) {
    const chip = document.createElement("button");
    chip.textContent = label;
    chip.dataset.view = name;
    chip.addEventListener("click", () => this.show(name));
    this.chips.append(chip);
  }

  show(name) {
    this.view = name;
    this.face.hidden = name === "rig";
    this.face.classList.toggle("single", name !== "both");
    this.rigCanvas.hidden = name !== "rig";
    for (const chip of this.chips.children) chip.setAttribute("aria-pressed", String(chip.dataset.view === name));
  }

  showRunning(running) {
    if (running === this.running) return;
    this.running = running;
    byId("playIcon").setAttribute("d", running ? PAUSE : PLAY);
    document.body.classList.toggle("moving", running);
  }

  // As fine as the screen, or as time allows. Returns whether the canvas, and so its picture, is new.
  fit(canvas, screen, share) {
    const width = Math.round(canvas.clientWidth * screen * share), height = Math.round(canvas.clientHeight * screen * share);
    if (canvas.width === width && canvas.height === height) return false;
    canvas.width = width;
    canvas.height = height;
    return true;
  }

  draw(weights, captured) {
    const rig = this.view === "rig" && this.rig, turn = rig ? Object.values(rig.turn) : [];
    const seen = [...Object.values(weights), ...Object.values(captured), VIEWS.indexOf(this.view), ...turn];
    const moved = this.changes.in(seen), screen = Math.min(window.devicePixelRatio || 1, 2);
    this.quality.asked(moved, LEAST_SCALE / screen);
    this.still = moved ? 0 : this.still + 1;
    const canvas = rig ? this.rigCanvas : this.face, rests = this.still > RESTING;
    // What stands still is drawn once more, at its best: rough edges vanish in twice the pixels.
    const fine = rests && rig && !rig.smoothed ? 2 : screen;
    if (!this.fit(canvas, fine, rests ? 1 : this.quality.share) && !moved) return;
    if (rig) rig.draw(weights);
    else this.drawFaces(canvas.width, canvas.height, weights, captured);
  }

  drawFaces(width, height, weights, captured) {
    const c = this.context;
    c.clearRect(0, 0, width, height);
    const faces = this.view === "both" ? [["KoeMorph", weights], ["capture", captured]] : [["", this.view === "capture" ? captured : weights]];
    const room = width / faces.length, size = Math.min(height * 0.99, room * 1.3);
    faces.forEach(([label, w], k) => {
      drawPortrait(c, w, room * (k + 0.5), height - size / 2 + size * 0.02, size);
      if (!label) return;
      c.font = `600 ${Math.round(height / 36)}px system-ui, sans-serif`;
      c.textAlign = "center";
      c.fillStyle = "rgba(255,255,255,.92)";
      c.fillText(label, room * (k + 0.5), height * 0.96);
    });
  }
}
