// A face in Canvas 2D, drawn from the weights. +x is the face's left.
"use strict";

const EYE_X = 47, EYE_Y = -14;
const BEHIND = [-216, -212, 432, 556], FRINGE = [-140, -212, 280, 244], SKIN = [-132, -172, 264, 400]; // left, top, width, height
const layers = new Map();

function onPixel(at, first, scale) {
  return first + Math.floor((at - first) * scale) / scale;
}

// Static layers are painted once per size and then copied. Every layer starts on a whole pixel of the
// first, so that copying does not resample.
function drawLayer(c, name, [x, y, width, height], scale, paint) {
  const left = onPixel(x, BEHIND[0], scale), top = onPixel(y, BEHIND[1], scale);
  let kept = layers.get(name);
  if (!kept || kept.scale !== scale) {
    kept = { scale, canvas: document.createElement("canvas") };
    kept.canvas.width = Math.ceil(width * scale) + 1;
    kept.canvas.height = Math.ceil(height * scale) + 1;
    const own = kept.canvas.getContext("2d");
    own.scale(scale, scale);
    own.translate(-left, -top);
    paint(own);
    layers.set(name, kept);
  }
  c.drawImage(kept.canvas, left, top, kept.canvas.width / scale, kept.canvas.height / scale);
}

function radial(c, x, y, r, stops, x0 = x, y0 = y) {
  const gradient = c.createRadialGradient(x0, y0, 0, x, y, r);
  stops.forEach(([at, color]) => gradient.addColorStop(at, color));
  return gradient;
}

function headPath(w, drop) {
  const puff = 9 * w.cheekPuff, slide = (w.jawLeft - w.jawRight) * 8;
  const smile = 3 * (w.mouthSmileLeft + w.mouthSmileRight);
  const path = new Path2D();
  path.moveTo(-114, -44);
  path.bezierCurveTo(-118, -128, -62, -168, 0, -168);
  path.bezierCurveTo(62, -168, 118, -128, 114, -44);
  path.bezierCurveTo(113, 0, 109 + puff, 40, 99 + puff + smile, 78 + drop * 0.25);
  path.bezierCurveTo(90 + puff + slide, 114 + drop * 0.7, 46 + slide, 149 + drop, slide, 149 + drop);
  path.bezierCurveTo(-46 + slide, 149 + drop, -90 - puff + slide, 114 + drop * 0.7, -99 - puff - smile, 78 + drop * 0.25);
  path.bezierCurveTo(-109 - puff, 36, -113, 0, -114, -44);
  path.closePath();
  return path;
}

const NECK = "M -54 90 C -50 156 -54 190 -72 214 C -34 248 34 248 72 214 C 54 190 50 156 54 90 Z";

function drawBody(c) {
  const cloth = c.createLinearGradient(0, 190, 0, 330);
  cloth.addColorStop(0, "#6d7bff");
  cloth.addColorStop(1, "#3a3f9e");
  c.fillStyle = cloth;
  c.beginPath();
  c.moveTo(-212, 340);
  c.bezierCurveTo(-202, 250, -150, 224, -76, 211);
  c.bezierCurveTo(-40, 204, 40, 204, 76, 211);
  c.bezierCurveTo(150, 224, 202, 250, 212, 340);
  c.closePath();
  c.fill();
  const neck = c.createLinearGradient(-60, 0, 60, 0);
  neck.addColorStop(0, "#d99a7f");
  neck.addColorStop(0.45, "#efb698");
  neck.addColorStop(1, "#c17f66");
  c.fillStyle = neck;
  c.fill(new Path2D(NECK));
  c.strokeStyle = "#8b97ff";
  c.lineWidth = 9;
  c.lineCap = "round";
  c.beginPath();
  c.moveTo(-75, 214);
  c.bezierCurveTo(-36, 251, 36, 251, 75, 214);
  c.stroke();
}

function drawNeckShadow(c, drop) {
  c.save();
  c.clip(new Path2D(NECK));
  c.fillStyle = radial(c, 0, 128 + drop, 92, [[0, "rgba(110,45,40,.62)"], [0.55, "rgba(110,45,40,.4)"], [1, "rgba(110,45,40,0)"]]);
  c.fillRect(-80, 100, 160, 150);
  c.restore();
}

function drawHairBack(c) {
  const hair = c.createLinearGradient(-140, -190, 140, 140);
  hair.addColorStop(0, "#5b3b63");
  hair.addColorStop(1, "#2a1c33");
  c.fillStyle = hair;
  c.beginPath();
  c.moveTo(-124, 120);
  c.bezierCurveTo(-164, 20, -160, -206, 0, -206);
  c.bezierCurveTo(160, -206, 164, 20, 124, 120);
  c.bezierCurveTo(112, 156, 92, 140, 88, 100);
  c.lineTo(-88, 100);
  c.bezierCurveTo(-92, 140, -112, 156, -124, 120);
  c.fill();
}

// Strands from the parting to one side; each argument is [control, end] of an outer strand.
function drawStrands(c, [lowest, highest]) {
  const mix = (from, to, ratio) => from + (to - from) * ratio;
  for (let k = 0; k <= 12; k++) {
    const ratio = k / 12, at = lowest.map((from, i) => mix(from, highest[i], ratio));
    c.strokeStyle = k % 3 === 1 ? "rgba(255,226,250,.16)" : "rgba(28,10,40,.15)";
    c.lineWidth = k % 2 ? 1.6 : 2.6;
    c.beginPath();
    c.moveTo(mix(-26, -6, ratio), mix(-136, -203, ratio));
    c.quadraticCurveTo(...at);
    c.stroke();
  }
}

function drawGloss(c) {
  c.strokeStyle = "rgba(255,228,250,.1)";
  for (const [width, reach] of [[24, 0.75], [15, 0.93], [7, 1.1]]) {
    c.lineWidth = width;
    c.beginPath();
    c.ellipse(0, -52, 106, 116, 0, -Math.PI / 2 - reach, -Math.PI / 2 + reach);
    c.stroke();
  }
}

function drawHairFront(c) {
  const hair = c.createLinearGradient(-120, -200, 110, -20);
  hair.addColorStop(0, "#8a5d8f");
  hair.addColorStop(0.4, "#573a62");
  hair.addColorStop(1, "#33223e");
  c.fillStyle = hair;
  const shape = new Path2D("M -126 24");
  shape.bezierCurveTo(-142, -120, -96, -204, 6, -204);
  shape.bezierCurveTo(104, -204, 142, -124, 126, 24);
  shape.bezierCurveTo(118, -26, 112, -70, 92, -104);
  shape.bezierCurveTo(64, -92, 10, -98, -26, -136);
  shape.bezierCurveTo(-40, -100, -84, -82, -108, -58);
  shape.bezierCurveTo(-118, -30, -120, -10, -126, 24);
  c.fill(shape);
  c.save();
  c.clip(shape);
  c.lineCap = "round";
  drawStrands(c, [[14, -98, 92, -104], [112, -200, 128, 10]]);
  drawStrands(c, [[-40, -100, -108, -58], [-104, -200, -128, 14]]);
  drawGloss(c);
  c.restore();
}

function drawEars(c) {
  for (const side of [-1, 1]) {
    c.fillStyle = side < 0 ? "#e8ad8f" : "#cf8d72";
    c.beginPath();
    c.ellipse(side * 116, 6, 15, 29, side * 0.16, 0, 2 * Math.PI);
    c.fill();
    c.strokeStyle = "rgba(140,70,55,.4)";
    c.lineWidth = 2;
    c.beginPath();
    c.ellipse(side * 117, 4, 8, 18, side * 0.16, 0.6, 4.4);
    c.stroke();
  }
}

function drawComplexion(c) {
  c.fillStyle = radial(c, 6, 0, 210, [[0, "#ffe3cf"], [0.45, "#f8c9ab"], [0.8, "#e3a283"], [1, "#c67f64"]], -42, -62);
  c.fillRect(...SKIN);
  const side = c.createLinearGradient(30, 0, 124, 24);
  side.addColorStop(0, "rgba(150,70,60,0)");
  side.addColorStop(1, "rgba(150,70,60,.34)");
  c.fillStyle = side;
  c.fillRect(0, SKIN[1], 150, SKIN[3]);
}

function drawSkin(c, w, head, drop, scale) {
  c.save();
  c.clip(head);
  drawLayer(c, "skin", SKIN, scale, drawComplexion);
  c.fillStyle = radial(c, 0, 160 + drop, 74, [[0, "rgba(150,70,56,.3)"], [1, "rgba(150,70,56,0)"]]);
  c.fillRect(-90, 90, 180, 130);
  for (const [s, squint, smile] of [[1, w.cheekSquintLeft, w.mouthSmileLeft], [-1, w.cheekSquintRight, w.mouthSmileRight]]) {
    const lift = 9 * squint + 6 * smile, glow = 0.26 + 0.16 * smile + 0.1 * w.cheekPuff;
    c.fillStyle = radial(c, s * 66, 40 - lift, 38, [[0, `rgba(240,110,96,${glow})`], [1, "rgba(240,110,96,0)"]]);
    c.fillRect(s * 66 - 42, -10, 84, 92);
    const fold = Math.min(1, 0.8 * smile + 0.3 * squint);
    c.strokeStyle = `rgba(170,90,70,${0.26 * fold})`;
    c.lineWidth = 3.4;
    c.lineCap = "round";
    c.beginPath();
    c.moveTo(s * 25, 40 - 3 * smile);
    c.quadraticCurveTo(s * (48 + 6 * smile), 50 - 6 * smile, s * (54 + 8 * smile), 70 + drop * 0.15 - 8 * smile);
    c.stroke();
  }
  c.fillStyle = radial(c, -4, 126 + drop * 0.95, 30, [[0, "rgba(255,236,220,.3)"], [1, "rgba(255,236,220,0)"]]);
  c.fillRect(-36, 94 + drop * 0.9, 66, 66);
  c.restore();
}

function drawNose(c, w) {
  const sneer = (w.noseSneerLeft + w.noseSneerRight) / 2, y = 38 - 3 * sneer;
  c.fillStyle = radial(c, 4, y + 4, 22, [[0, "rgba(186,98,78,.4)"], [1, "rgba(186,98,78,0)"]]);
  c.fillRect(-22, y - 18, 52, 40);
  c.save();
  c.translate(9, 0);
  c.scale(0.28, 1);
  c.fillStyle = radial(c, 0, 2, 36, [[0, "rgba(186,104,84,.34)"], [1, "rgba(186,104,84,0)"]]);
  c.fillRect(-40, -36, 80, 76);
  c.restore();
  c.fillStyle = radial(c, -2, y - 4, 13, [[0, "rgba(255,244,232,.75)"], [1, "rgba(255,244,232,0)"]], -4, y - 7);
  c.fillRect(-18, y - 20, 32, 32);
  c.strokeStyle = "rgba(150,70,56,.6)";
  c.lineWidth = 2;
  c.lineCap = "round";
  for (const [s, up] of [[1, w.noseSneerLeft], [-1, w.noseSneerRight]]) {
    c.beginPath();
    c.moveTo(s * 15, y - 5 - 3 * up);
    c.quadraticCurveTo(s * 20, y + 4 - 3 * up, s * 12, y + 7 - 2 * up);
    c.stroke();
    c.fillStyle = "rgba(110,42,36,.6)";
    c.beginPath();
    c.ellipse(s * 7.5, y + 6 - up, 4.4, 2.2, -s * 0.35, 0, 2 * Math.PI);
    c.fill();
    if (up > 0.1) {
      c.globalAlpha = up;
      c.beginPath();
      c.moveTo(s * 8, 4);
      c.quadraticCurveTo(s * 13, 8, s * 14, 15);
      c.stroke();
      c.globalAlpha = 1;
    }
  }
}

function eyeState(w, side) {
  const name = side > 0 ? "Left" : "Right";
  const look = (part) => w["eyeLook" + part + name];
  return {
    open: 1 - w["eyeBlink" + name], wide: w["eyeWide" + name], squint: w["eyeSquint" + name],
    cheek: w["cheekSquint" + name],
    x: side * (look("Out") - look("In")) * 9, y: (look("Down") - look("Up")) * 7,
  };
}

function drawEye(c, w, side) {
  const e = eyeState(w, side);
  c.save();
  c.translate(side * EYE_X, EYE_Y);
  c.scale(side, 1); // drawn as the left eye: +x is outwards
  const bottom = 11 - 4 * e.squint - 3 * e.cheek;
  const top = bottom - (bottom + 14 + 5 * e.wide - 4 * e.squint + e.y * -0.5) * e.open;
  const lid = new Path2D("M -24 5"), lower = new Path2D();
  lid.bezierCurveTo(-14, top - 3, 10, top - 5, 25, -1 + (1 - e.open) * 6);
  const white = new Path2D(lid);
  white.bezierCurveTo(16, bottom + 3, -8, bottom + 4, -24, 5);
  lower.moveTo(25, -1 + (1 - e.open) * 6);
  lower.bezierCurveTo(16, bottom + 3, -8, bottom + 4, -24, 5);
  c.fillStyle = radial(c, 0, -2, 40, [[0, "rgba(176,92,80,.2)"], [1, "rgba(176,92,80,0)"]]);
  c.fillRect(-40, -36, 80, 64);
  c.save();
  c.clip(e.open < 0.06 ? new Path2D() : white); // a closed eye shows nothing
  c.fillStyle = radial(c, 0, 2, 30, [[0, "#ffffff"], [0.7, "#f4ece8"], [1, "#cbb2aa"]]);
  c.fillRect(-30, -30, 60, 60);
  const x = e.x * side * side + 0.5, y = -1 + e.y;
  c.fillStyle = radial(c, x, y + 3, 14.5, [[0, "#6fd0c9"], [0.5, "#2f8f97"], [0.88, "#1b4f62"], [1, "#12303f"]], x, y + 6);
  c.beginPath();
  c.arc(x, y, 14, 0, 2 * Math.PI);
  c.fill();
  c.fillStyle = "#0b141c";
  c.beginPath();
  c.arc(x, y, 6.2, 0, 2 * Math.PI);
  c.fill();
  c.fillStyle = "rgba(255,255,255,.95)";
  c.beginPath();
  c.arc(x - 4.5 * side, y - 5, 3.4, 0, 2 * Math.PI);
  c.arc(x + 5 * side, y + 5, 1.6, 0, 2 * Math.PI);
  c.fill();
  const shade = c.createLinearGradient(0, top - 4, 0, top + 12);
  shade.addColorStop(0, "rgba(60,25,40,.55)");
  shade.addColorStop(1, "rgba(60,25,40,0)");
  c.fillStyle = shade;
  c.fillRect(-30, top - 10, 60, 24);
  c.restore();
  c.lineCap = "round";
  c.strokeStyle = "rgba(150,80,70,.55)";
  c.lineWidth = 1.4;
  c.stroke(lower);
  c.strokeStyle = "#2b1a2c";
  c.lineWidth = 3.6;
  c.stroke(lid);
  const out = -1 + (1 - e.open) * 6;
  c.lineWidth = 2.6;
  c.beginPath();
  c.moveTo(23, out - 1.5);
  c.quadraticCurveTo(29, out - 3, 32, out - 8 + (1 - e.open) * 9);
  c.stroke();
  c.strokeStyle = `rgba(150,78,64,${0.3 + 0.35 * e.open})`;
  c.lineWidth = 1.6;
  c.beginPath();
  c.moveTo(-20, -6 + (1 - e.open) * 5);
  c.bezierCurveTo(-10, top - 13, 12, top - 14, 26, -9 + (1 - e.open) * 7);
  c.stroke();
  c.restore();
}

function drawBrow(c, w, side) {
  const name = side > 0 ? "Left" : "Right";
  const down = w["browDown" + name], outer = w["browOuterUp" + name], inner = w.browInnerUp;
  c.save();
  c.scale(side, 1);
  const y0 = -50 - 13 * inner + 11 * down, y1 = -61 - 9 * outer - 5 * inner + 9 * down, y2 = -49 - 12 * outer + 3 * down;
  c.fillStyle = "#43294a";
  c.beginPath();
  c.moveTo(20 - 4 * down, y0 - 4);
  c.quadraticCurveTo(48, y1 - 5, 78, y2);
  c.quadraticCurveTo(50, y1 + 5, 20 - 4 * down, y0 + 5);
  c.quadraticCurveTo(16 - 4 * down, y0, 20 - 4 * down, y0 - 4);
  c.fill();
  c.restore();
}

// Draws a face into the box with this centre and height, in canvas pixels.
function drawPortrait(c, w, x, y, height) {
  const scale = height / 545, drop = w.jawOpen * JAW_DROP;
  c.save();
  // Whole pixels, so that layers are copied without resampling.
  c.translate(Math.round(x + BEHIND[0] * scale), Math.round(y + (BEHIND[1] - 58) * scale));
  c.scale(scale, scale);
  c.translate(-BEHIND[0], -BEHIND[1]);
  drawLayer(c, "behind", BEHIND, scale, (own) => [drawHairBack, drawBody, drawEars].forEach((paint) => paint(own)));
  drawNeckShadow(c, drop);
  const head = headPath(w, drop);
  drawSkin(c, w, head, drop, scale);
  drawEye(c, w, 1);
  drawEye(c, w, -1);
  drawNose(c, w);
  drawMouth(c, w);
  drawLayer(c, "fringe", FRINGE, scale, drawHairFront);
  drawBrow(c, w, 1);
  drawBrow(c, w, -1);
  c.restore();
}
