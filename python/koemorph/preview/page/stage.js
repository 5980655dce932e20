// The stage: the drawn face or the user's rig, of one take or of all takes side by side.
"use strict";

const MIN_SCALE = 0.6; // canvas pixels per CSS pixel; below it, eyes and teeth become unrecognizable
const STILL_FRAMES = 15; // equal frames after which the picture counts as still
const PLAY_ICON = "M8 5v14l11-7z", PAUSE_ICON = "M7 5h4v14H7zM13 5h4v14h-4z";

class Stage {
  // `labels`: names of the takes; `hasFace`: whether the takes have the weights of the drawn face.
  constructor(labels, rig, hasFace = true) {
    this.face = byId("face");
    this.rigCanvas = byId("rig");
    this.context = this.face.getContext("2d");
    this.rig = rig;
    this.labels = labels;
    this.changes = new Changes();
    this.still = 0;
    this.quality = new Quality();
    if (rig && hasFace) this.addChips("views", "view", [["rig", "Rig"], ["face", "Face"]], (name) => this.showView(name));
    const takes = labels.map((label, k) => [String(k), label]);
    if (labels.length > 1) this.addChips("takes", "take", [...takes, ["all", "Side by side"]], (name) => this.showTake(name));
    if (rig) this.addChips("cameras", "camera", [["front", "Front"], ["mouth", "Mouth"]], (name) => this.showCamera(name));
    this.showTake(labels.length > 1 ? "all" : "0");
    this.showView(rig ? "rig" : "face");
  }

  addChips(id, key, choices, onChoice) {
    for (const [name, label] of choices) {
      const chip = document.createElement("button");
      chip.textContent = label;
      chip.dataset[key] = name;
      chip.addEventListener("click", () => onChoice(name));
      byId(id).append(chip);
    }
  }

  press(id, key, name) {
    for (const chip of byId(id).children) chip.setAttribute("aria-pressed", String(chip.dataset[key] === name));
  }

  showView(name) {
    this.view = name;
    this.face.hidden = name === "rig";
    this.rigCanvas.hidden = name !== "rig";
    byId("cameras").hidden = name !== "rig";
    this.press("views", "view", name);
  }

  // `name`: a take's index, or "all".
  showTake(name) {
    this.take = name;
    this.shown = name === "all" ? this.labels.map((_, k) => k) : [Number(name)];
    this.face.classList.toggle("single", this.shown.length === 1);
    this.press("takes", "take", name);
    byId("labels").replaceChildren(...(this.shown.length > 1 ? this.shown : []).map((k) => {
      const label = document.createElement("span");
      label.textContent = this.labels[k];
      return label;
    }));
  }

  showCamera(name) {
    if (name === "mouth") this.rig.camera.showMouth();
    else this.rig.camera.reset();
  }

  showRunning(running) {
    if (running === this.running) return;
    this.running = running;
    byId("playIcon").setAttribute("d", running ? PAUSE_ICON : PLAY_ICON);
    document.body.classList.toggle("moving", running);
  }

  get canvas() {
    return this.view === "rig" ? this.rigCanvas : this.face;
  }

  // Resize a canvas to its element. Returns whether it changed, which also clears it.
  fit(canvas, screen, scale) {
    const width = Math.round(canvas.clientWidth * screen * scale), height = Math.round(canvas.clientHeight * screen * scale);
    if (canvas.width === width && canvas.height === height) return false;
    canvas.width = width;
    canvas.height = height;
    return true;
  }

  // `faces`: per take the weights of the drawn face, `rigs`: those of the rig. Draws only changes.
  draw(faces, rigs = faces) {
    const rig = this.view === "rig" && this.rig, all = rig ? rigs : faces;
    const chosen = this.shown.map((k) => all[k]);
    const seen = [...chosen.flatMap((weights) => Object.values(weights)), Number(Boolean(rig)), ...this.shown, ...(rig ? rig.camera.state() : [])];
    const moved = this.changes.in(seen), screen = Math.min(window.devicePixelRatio || 1, 2);
    this.quality.frame(moved, MIN_SCALE / screen);
    this.still = moved ? 0 : this.still + 1;
    const still = this.still > STILL_FRAMES;
    // A still rig without antialiasing is drawn once more at twice the resolution.
    const fine = still && rig && !rig.antialiased ? 2 : screen;
    if (!this.fit(this.canvas, fine, still ? 1 : this.quality.scale) && !moved) return;
    if (rig) rig.draw(chosen);
    else this.drawFaces(chosen);
  }

  drawFaces(chosen) {
    const { width, height } = this.face, room = width / chosen.length, size = Math.min(height * 0.99, room * 1.3);
    this.context.clearRect(0, 0, width, height);
    chosen.forEach((weights, k) => drawPortrait(this.context, weights, room * (k + 0.5), height - size / 2 + size * 0.02, size));
  }
}
