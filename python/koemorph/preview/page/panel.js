// The list of curves with a bar each; a click shows or hides a curve in the timeline.
"use strict";

class Panel {
  constructor(element, groups, onToggle) {
    this.bars = [];
    this.due = throttle(50); // updating the bars repaints half the page
    for (const [group, names] of Object.entries(groups)) {
      const title = document.createElement("h2");
      title.textContent = group;
      element.append(title);
      for (const name of names) element.append(this.row(name, onToggle));
    }
  }

  row(name, onToggle) {
    const row = document.createElement("button");
    row.className = "row";
    row.dataset.name = name;
    row.setAttribute("aria-pressed", "false");
    const key = document.createElement("i"), label = document.createElement("span"), bar = document.createElement("div");
    label.textContent = name;
    bar.className = "bar";
    const fill = document.createElement("span");
    bar.append(fill);
    row.append(key, label, bar);
    row.addEventListener("click", () => {
      const color = onToggle(name);
      row.setAttribute("aria-pressed", String(Boolean(color)));
      key.style.background = key.style.borderColor = color || "";
    });
    this.bars.push([name, fill, -1]);
    return row;
  }

  update(weights) {
    if (!this.due()) return;
    for (const bar of this.bars) {
      const value = Math.round((weights[bar[0]] || 0) * 100);
      if (value !== bar[2]) {
        bar[1].style.transform = `scaleX(${value / 100})`;
        bar[2] = value;
      }
    }
  }
}
