// The mouth of the drawn face: lips, teeth and tongue from the weights. +x is the face's left.
"use strict";

const MOUTH_Y = 80;
const JAW_DROP = 50; // how far the chin moves at jawOpen = 1

function mouthShape(w) {
  const drop = w.jawOpen * JAW_DROP;
  const lift = Math.min(1, w.mouthClose / Math.max(w.jawOpen, 0.08)) * Math.min(w.mouthClose * JAW_DROP, drop);
  const round = 1 - 0.46 * w.mouthPucker - 0.28 * w.mouthFunnel - 0.05 * w.jawOpen;
  const shift = (w.mouthLeft - w.mouthRight) * 11 + (w.jawLeft - w.jawRight) * 4;
  const corner = (side, smile, frown, stretch, dimple) => ({
    x: shift + side * (40 * round + 9 * smile + 10 * stretch + 5 * dimple - 3 * frown),
    y: MOUTH_Y - 3 - 13 * smile + 10 * frown + 3 * stretch + drop * 0.3 - 2 * w.mouthShrugLower,
  });
  const pressed = (w.mouthPressLeft + w.mouthPressRight) / 2;
  const smiling = (w.mouthSmileLeft + w.mouthSmileRight) / 2;
  const upperUp = (w.mouthUpperUpLeft + w.mouthUpperUpRight) / 2;
  const lowerDown = (w.mouthLowerDownLeft + w.mouthLowerDownRight) / 2;
  const upper = MOUTH_Y - 1.2 - 9 * upperUp - 5 * w.mouthFunnel - 2 * smiling + lift * 0.3
    - 4 * w.mouthShrugUpper + 1.5 * w.mouthRollUpper;
  const lower = MOUTH_Y - 0.4 + drop - lift * 0.7 + 10 * lowerDown + 6 * w.mouthFunnel
    - 7 * w.mouthShrugLower - 2 * w.mouthRollLower - 2 * smiling;
  const full = 1 + 0.35 * w.mouthPucker + 0.25 * w.mouthFunnel;
  return {
    drop, shift,
    left: corner(1, w.mouthSmileLeft, w.mouthFrownLeft, w.mouthStretchLeft, w.mouthDimpleLeft),
    right: corner(-1, w.mouthSmileRight, w.mouthFrownRight, w.mouthStretchRight, w.mouthDimpleRight),
    upper, lower: Math.max(lower, upper + 0.4),
    upperThick: 10.5 * (1 - 0.8 * w.mouthRollUpper - 0.4 * pressed - 0.2 * smiling) * full,
    lowerThick: 14.5 * (1 - 0.8 * w.mouthRollLower - 0.4 * pressed - 0.15 * smiling) * full,
    skewUpper: (w.mouthUpperUpLeft - w.mouthUpperUpRight) * 4,
    skewLower: (w.mouthLowerDownLeft - w.mouthLowerDownRight) * 4,
    tongue: w.tongueOut,
  };
}

// Half of a lip's edge as one curve, from a corner to the middle or back.
function lipEdge(path, from, to, middle, bulge, skew) {
  const toMiddle = from.x !== middle;
  const corner = toMiddle ? from : to;
  const y = toMiddle ? to.y : from.y;
  const side = Math.sign(corner.x - middle) || 1;
  const near = { x: middle + (corner.x - middle) * 0.8, y: corner.y + (y - corner.y) * bulge };
  const far = { x: middle + (corner.x - middle) * 0.42, y: y + side * skew * -0.5 };
  if (toMiddle) path.bezierCurveTo(near.x, near.y, far.x, far.y, to.x, to.y);
  else path.bezierCurveTo(far.x, far.y, near.x, near.y, to.x, to.y);
}

function lipPaths(m) {
  const cx = m.shift;
  const inner = new Path2D();
  inner.moveTo(m.right.x, m.right.y);
  lipEdge(inner, m.right, { x: cx, y: m.upper }, cx, 0.72, m.skewUpper);
  lipEdge(inner, { x: cx, y: m.upper }, m.left, cx, 0.72, m.skewUpper);
  lipEdge(inner, m.left, { x: cx, y: m.lower }, cx, 0.78, m.skewLower);
  lipEdge(inner, { x: cx, y: m.lower }, m.right, cx, 0.78, m.skewLower);

  const top = m.upper - m.upperThick, peak = Math.abs(m.left.x - m.right.x) * 0.13;
  const upper = new Path2D();
  upper.moveTo(m.right.x - 1.5, m.right.y);
  upper.bezierCurveTo(m.right.x + 8, m.right.y - 3, cx - peak * 2.4, top + 2, cx - peak, top);
  upper.quadraticCurveTo(cx - peak * 0.35, top - 0.2, cx, top + m.upperThick * 0.26);
  upper.quadraticCurveTo(cx + peak * 0.35, top - 0.2, cx + peak, top);
  upper.bezierCurveTo(cx + peak * 2.4, top + 2, m.left.x - 8, m.left.y - 3, m.left.x + 1.5, m.left.y);
  lipEdge(upper, m.left, { x: cx, y: m.upper }, cx, 0.72, m.skewUpper);
  lipEdge(upper, { x: cx, y: m.upper }, m.right, cx, 0.72, m.skewUpper);

  const bottom = m.lower + m.lowerThick;
  const lower = new Path2D();
  lower.moveTo(m.right.x - 1, m.right.y);
  lipEdge(lower, m.right, { x: cx, y: m.lower }, cx, 0.78, m.skewLower);
  lipEdge(lower, { x: cx, y: m.lower }, m.left, cx, 0.78, m.skewLower);
  const pull = (corner) => corner.y + (bottom - corner.y) * 0.82;
  lower.bezierCurveTo(m.left.x - 5, pull(m.left), cx + 15, bottom, cx, bottom);
  lower.bezierCurveTo(cx - 15, bottom, m.right.x + 5, pull(m.right), m.right.x - 1, m.right.y);
  return { inner, upper, lower, bottom, top };
}

function drawTeeth(c, cx, top, bottom, half, upward) {
  const teeth = new Path2D();
  teeth.moveTo(cx - half, top);
  teeth.lineTo(cx + half, top);
  const edge = upward ? top : bottom, bow = upward ? -3 : 3;
  teeth.lineTo(cx + half, edge - bow);
  teeth.quadraticCurveTo(cx, edge + bow, cx - half, edge - bow);
  if (upward) teeth.lineTo(cx - half, bottom), teeth.lineTo(cx + half, bottom), teeth.lineTo(cx + half, edge - bow);
  teeth.closePath();
  const shade = c.createLinearGradient(cx - half, 0, cx + half, 0);
  shade.addColorStop(0, "#c9b7ad");
  shade.addColorStop(0.3, "#f6efe6");
  shade.addColorStop(0.6, "#fffaf2");
  shade.addColorStop(1, "#bfaaa1");
  c.fillStyle = shade;
  c.fill(teeth);
  c.strokeStyle = "rgba(120,85,75,.13)";
  c.lineWidth = 0.7;
  for (let k = -3; k <= 3; k++) {
    const x = cx + k * half * 0.2;
    c.beginPath();
    c.moveTo(x, top);
    c.lineTo(x, bottom);
    c.stroke();
  }
}

function drawInside(c, m, paths) {
  const cx = m.shift;
  c.save();
  c.clip(paths.inner);
  const deep = c.createLinearGradient(0, m.upper, 0, m.lower);
  deep.addColorStop(0, "#2a0a10");
  deep.addColorStop(1, "#6d2028");
  c.fillStyle = deep;
  c.fillRect(-90, -200, 180, 500);
  drawTeeth(c, cx * 0.4, MOUTH_Y - 18, MOUTH_Y + 6.5, 36, false);
  const floor = MOUTH_Y + m.drop;
  drawTeeth(c, cx, floor - 4.5, floor + 16, 28, true);
  drawTongue(c, m, floor);
  // The upper lip's shadow, shallower in a narrow mouth so that the teeth stay visible.
  const depth = Math.min(12, 1.5 + 0.4 * (m.lower - m.upper));
  const shadow = c.createLinearGradient(0, m.upper, 0, m.upper + depth);
  shadow.addColorStop(0, "rgba(40,5,12,.55)");
  shadow.addColorStop(1, "rgba(40,5,12,0)");
  c.fillStyle = shadow;
  c.fillRect(-90, m.upper - 20, 180, 32);
  c.restore();
}

// The tongue lies behind the lower teeth and rises with tongueOut; the caller clips it to the lips.
function drawTongue(c, m, floor) {
  const cx = m.shift, gap = Math.max(m.lower - m.upper, 0);
  const rise = 0.3 * gap * m.tongue, width = 20 - 3 * m.tongue;
  const y = floor + 2 - m.drop * 0.06 - rise * 0.6, height = 7 + m.drop * 0.16 + rise;
  const tongue = c.createRadialGradient(cx - 5, y - height, 2, cx, y, height + 19);
  tongue.addColorStop(0, "#e98a88");
  tongue.addColorStop(1, "#b34c54");
  c.fillStyle = tongue;
  c.beginPath();
  c.ellipse(cx, y, width, height, 0, 0, 2 * Math.PI);
  c.fill();
  c.strokeStyle = `rgba(120,40,48,${0.35 * m.tongue})`;
  c.lineWidth = 1.6;
  c.beginPath();
  c.moveTo(cx, y - height * 0.75);
  c.lineTo(cx, y + height);
  c.stroke();
}

function drawLips(c, m, paths) {
  const upper = c.createLinearGradient(0, paths.top, 0, m.upper);
  upper.addColorStop(0, "#d5857a");
  upper.addColorStop(1, "#b2564f");
  c.fillStyle = upper;
  c.fill(paths.upper);
  const lower = c.createLinearGradient(0, m.lower, 0, paths.bottom);
  lower.addColorStop(0, "#c2665d");
  lower.addColorStop(0.4, "#dd8b80");
  lower.addColorStop(1, "#c06a60");
  c.fillStyle = lower;
  c.fill(paths.lower);
  c.save();
  c.clip(paths.lower);
  const y = m.lower + m.lowerThick * 0.42;
  const glow = c.createRadialGradient(m.shift - 5, y, 0, m.shift - 5, y, 15);
  glow.addColorStop(0, "rgba(255,240,232,.6)");
  glow.addColorStop(1, "rgba(255,240,232,0)");
  c.fillStyle = glow;
  c.fillRect(m.shift - 30, y - m.lowerThick * 0.4, 60, m.lowerThick * 0.8);
  c.restore();
  c.strokeStyle = "rgba(96,28,30,.75)";
  c.lineWidth = 1.5;
  c.lineJoin = c.lineCap = "round";
  c.stroke(paths.inner);
}

function drawMouth(c, w) {
  const m = mouthShape(w), paths = lipPaths(m);
  const under = c.createRadialGradient(m.shift, paths.bottom + 5, 1, m.shift, paths.bottom + 5, 24);
  under.addColorStop(0, "rgba(150,75,58,.34)");
  under.addColorStop(1, "rgba(150,75,58,0)");
  c.fillStyle = under;
  c.fillRect(m.shift - 30, paths.bottom - 12, 60, 40);
  drawInside(c, m, paths);
  drawLips(c, m, paths);
  return m;
}
