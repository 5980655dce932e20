// What is on the stage: the drawn face, the capture's beside it, or the user's rig.
"use strict";

class Stage {
  constructor(views) {
    this.face = document.getElementById("face");
    this.rigCanvas = document.getElementById("rig");
    this.context = this.face.getContext("2d");
    this.rig = null;
    this.view = "face";
    this.chips = document.getElementById("views");
    if (views.length > 1) views.forEach(([name, label]) => this.addChip(name, label));
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

  fit(canvas) {
    const scale = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
  }

  draw(weights, captured) {
    if (this.view === "rig") {
      this.fit(this.rigCanvas);
      this.rig.draw(weights);
      return;
    }
    this.fit(this.face);
    const { width, height } = this.face, c = this.context;
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
