// Edits of the first take: applied to its curves, made with a form, saved as edits.csv.
// The operations are those of koemorph/edits.py.
"use strict";

const EDIT_COLUMNS = ["start", "end", "target", "operation", "value", "fade_in", "fade_out"];

function editStrength(edit, time) {
  if (time < edit.start - 1e-6 || time > edit.end + 1e-6) return 0;
  const rising = edit.fade_in ? (time - edit.start) / edit.fade_in : 1;
  const falling = edit.fade_out ? (edit.end - time) / edit.fade_out : 1;
  return Math.min(Math.max(Math.min(rising, falling), 0), 1);
}

// Return a copy of a track with the edits applied in order.
function editTrack(track, edits) {
  const count = track.names.length, weights = Float32Array.from(track.values, (v) => v / 255);
  for (const edit of edits) {
    const names = DATA.regions[edit.target] || [edit.target], before = weights.slice();
    const at = (frame, k) => {
      const place = Math.min(Math.max(frame, 0), track.frames - 1), a = Math.floor(place), b = Math.min(a + 1, track.frames - 1);
      return before[a * count + k] + (before[b * count + k] - before[a * count + k]) * (place - a);
    };
    const changed = (frame, k) => {
      const weight = before[frame * count + k], value = edit.value;
      if (edit.operation === "set") return value;
      if (edit.operation === "add") return weight + value;
      if (edit.operation === "multiply") return weight * value;
      if (edit.operation === "hold") return at(edit.start * track.fps, k);
      if (edit.operation === "shift") return at(frame - value * track.fps, k);
      let sum = 0;
      for (let i = -4; i <= 4; i++) sum += at(frame + (i / 8) * value * track.fps, k);
      return sum / 9;
    };
    for (const name of names) {
      const k = track.index.get(name);
      if (k === undefined) continue;
      for (let frame = 0; frame < track.frames; frame++) {
        const strength = editStrength(edit, frame / track.fps), weight = before[frame * count + k];
        if (strength > 0) weights[frame * count + k] = Math.min(Math.max(weight + strength * (changed(frame, k) - weight), 0), 1);
      }
    }
  }
  return new Track(track.names, track.fps, Uint8Array.from(weights, (w) => Math.round(w * 255)));
}

function editsText(edits) {
  return [EDIT_COLUMNS.join(","), ...edits.map((edit) => EDIT_COLUMNS.map((name) => edit[name] ?? "").join(","))].join("\n") + "\n";
}

// The form and the list below the curves; `onChange(edits)` is called after each change.
class EditPanel {
  constructor(element, edits, duration, onChange) {
    this.edits = [...edits];
    this.duration = duration;
    this.onChange = onChange;
    this.list = document.createElement("ul");
    const title = document.createElement("h2");
    title.textContent = "edits";
    this.form = document.createElement("form");
    this.form.id = "editForm";
    for (const name of EDIT_COLUMNS) this.form.append(this.field(name));
    const add = document.createElement("button"), download = document.createElement("button");
    add.textContent = "Add edit";
    download.textContent = "Download edits.csv";
    download.type = "button";
    download.id = "downloadEdits";
    download.addEventListener("click", () => this.download());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.add();
    });
    this.form.append(add, download);
    element.append(title, this.form, this.list);
    this.show();
  }

  field(name) {
    const label = document.createElement("label");
    label.append(name.replace("_", " "));
    const options = { target: [...Object.keys(DATA.regions), ...DATA.blendshapes], operation: DATA.operations }[name];
    const input = document.createElement(options ? "select" : "input");
    input.name = name;
    if (options) input.append(...options.map((option) => new Option(option, option)));
    else Object.assign(input, { type: "number", step: "any", value: { end: Math.min(1, this.duration), value: 0.2 }[name] ?? 0 });
    label.append(input);
    return label;
  }

  // Fill the range of the form, after a drag in the timeline with Shift.
  setRange(from, to) {
    this.form.elements.start.value = Math.min(from, to).toFixed(3);
    this.form.elements.end.value = Math.max(from, to).toFixed(3);
  }

  setTarget(name) {
    if (DATA.blendshapes.includes(name)) this.form.elements.target.value = name;
  }

  add() {
    const edit = {};
    for (const name of EDIT_COLUMNS) {
      const text = this.form.elements[name].value;
      edit[name] = name === "target" || name === "operation" ? text : Number(text);
    }
    const input = this.form.elements.end, duration = edit.end - edit.start;
    const isValid = edit.start >= 0 && duration > 0 && edit.fade_in >= 0 && edit.fade_out >= 0 && edit.fade_in + edit.fade_out <= duration + 1e-6;
    input.setCustomValidity(isValid ? "" : "0 ≤ start < end, and the fades fit between them");
    if (!this.form.reportValidity()) return;
    this.edits.push(edit);
    this.changed();
  }

  changed() {
    this.show();
    this.onChange(this.edits);
  }

  show() {
    this.list.replaceChildren(...this.edits.map((edit, index) => {
      const item = document.createElement("li"), remove = document.createElement("button");
      remove.textContent = "×";
      remove.title = "Remove this edit";
      remove.addEventListener("click", () => {
        this.edits.splice(index, 1);
        this.changed();
      });
      item.append(`${edit.start}–${edit.end} s ${edit.target} ${edit.operation} ${edit.operation === "hold" ? "" : edit.value} `, remove);
      return item;
    }));
  }

  download() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([editsText(this.edits)], { type: "text/csv" }));
    link.download = "edits.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}
