// The user's mesh in WebGL 2. Morphs are added up on the CPU: they are sparse, and few move at once.
"use strict";

const RIG_VERTEX = `#version 300 es
in vec3 position; in vec3 normal; in vec3 color;
uniform mat4 view; uniform mat4 projection;
out vec3 n; out vec3 p; out vec3 base;
void main() {
  vec4 at = view * vec4(position, 1.0);
  n = mat3(view) * normal; p = at.xyz; base = color;
  gl_Position = projection * at;
}`;
const RIG_FRAGMENT = `#version 300 es
precision highp float;
in vec3 n; in vec3 p; in vec3 base; out vec4 result;
vec3 light(vec3 normal, vec3 eye, vec3 from, vec3 tint, float wrap) {
  float lit = max(0.0, (dot(normal, from) + wrap) / (1.0 + wrap));
  float shine = pow(max(0.0, dot(normal, normalize(from + eye))), 28.0);
  vec3 warm = mix(vec3(1.0, 0.62, 0.5), vec3(1.0), smoothstep(0.0, 0.55, lit)); // light under the skin
  return tint * (base * warm * lit + 0.16 * shine);
}
void main() {
  vec3 eye = normalize(-p), normal = normalize(n);
  if (dot(normal, eye) < 0.0) normal = -normal;
  vec3 c = base * mix(vec3(0.035, 0.03, 0.05), vec3(0.10, 0.11, 0.16), normal.y * 0.5 + 0.5);
  c += light(normal, eye, normalize(vec3(-0.55, 0.6, 0.75)), vec3(0.66, 0.60, 0.54), 0.25);
  c += light(normal, eye, normalize(vec3(0.9, 0.1, 0.45)), vec3(0.12, 0.12, 0.24), 0.15);
  float rim = pow(1.0 - max(dot(normal, eye), 0.0), 3.2);
  c += rim * vec3(0.16, 0.18, 0.40) * smoothstep(-0.2, 0.7, normal.y + normal.x * 0.4);
  result = vec4(pow(c, vec3(1.0 / 1.9)), 1.0);
}`;

function shader(gl, type, source) {
  const made = gl.createShader(type);
  gl.shaderSource(made, source);
  gl.compileShader(made);
  if (!gl.getShaderParameter(made, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(made));
  return made;
}

// Smoothed edges double the time of a picture that no graphics card draws.
function isDrawnByCpu() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return false;
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(renderer);
}

// The user's rig, if there is one; where this browser cannot show it `tell` is told, and the face remains.
async function openRig(tell) {
  if (!DATA.rig) return null;
  try {
    return new Rig(byId("rig"), DATA.rig, await inflate(DATA.rig.data));
  } catch (error) {
    tell(`The rig cannot be shown: ${error.message}.`);
    return null;
  }
}

class Rig {
  // data: positions u16 (V, 3), colors u8 (V, 3), indices u32 (F, 3), then per target: vertices u32, deltas i16.
  constructor(canvas, info, data) {
    this.canvas = canvas;
    this.unpack(info, data);
    this.turn = { x: -0.22, y: 0.02, distance: 1 };
    this.drag();
    this.smoothed = !isDrawnByCpu();
    const gl = (this.gl = canvas.getContext("webgl2", { antialias: this.smoothed, alpha: true }));
    if (!gl) throw new Error("this browser has no WebGL 2");
    const program = (this.program = gl.createProgram());
    gl.attachShader(program, shader(gl, gl.VERTEX_SHADER, RIG_VERTEX));
    gl.attachShader(program, shader(gl, gl.FRAGMENT_SHADER, RIG_FRAGMENT));
    gl.linkProgram(program);
    gl.useProgram(program);
    this.buffers = {
      position: this.attribute("position", this.moved, gl.FLOAT, false),
      normal: this.attribute("normal", this.normals, gl.FLOAT, false),
      color: this.attribute("color", this.colors, gl.UNSIGNED_BYTE, true),
    };
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, this.indices, gl.STATIC_DRAW);
    gl.enable(gl.DEPTH_TEST);
  }

  unpack(info, data) {
    let at = 0;
    const take = (Type, count) => {
      const piece = new Type(data.slice(at, at + count * Type.BYTES_PER_ELEMENT));
      at += count * Type.BYTES_PER_ELEMENT;
      return piece;
    };
    const n = info.vertices * 3;
    this.rest = Float32Array.from(take(Uint16Array, n), (v) => (v / 32767.5 - 1) * info.extent);
    this.colors = take(Uint8Array, n);
    this.indices = take(Uint32Array, info.triangles * 3);
    this.targets = info.targets.map(({ names, count, scale }) => ({
      names, scale: scale / 32767, vertices: take(Uint32Array, count), deltas: take(Int16Array, count * 3),
    }));
    this.moved = Float32Array.from(this.rest);
    this.normals = new Float32Array(n);
  }

  attribute(name, values, type, normalized) {
    const gl = this.gl, buffer = gl.createBuffer(), at = gl.getAttribLocation(this.program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, 3, type, normalized, 0, 0);
    return buffer;
  }

  drag() {
    this.canvas.addEventListener("pointermove", (event) => {
      if (!event.buttons) return;
      this.turn.x += event.movementX * 0.008;
      this.turn.y = Math.min(Math.max(this.turn.y + event.movementY * 0.008, -1.2), 1.2);
    });
    this.canvas.addEventListener("wheel", (event) => {
      this.turn.distance = Math.min(Math.max(this.turn.distance * Math.exp(event.deltaY * 0.001), 0.35), 2.5);
      event.preventDefault();
    }, { passive: false });
  }

  morph(weights) {
    const { moved } = this;
    moved.set(this.rest);
    for (const { names, scale, vertices, deltas } of this.targets) {
      let weight = 0;
      for (const name of names) weight += weights[name] || 0;
      if (Math.abs(weight) < 1e-3) continue;
      const gain = weight * scale;
      for (let k = 0, j = 0; k < vertices.length; k++, j += 3) {
        const v = vertices[k] * 3;
        moved[v] += gain * deltas[j];
        moved[v + 1] += gain * deltas[j + 1];
        moved[v + 2] += gain * deltas[j + 2];
      }
    }
  }

  shade() {
    const { moved: p, normals: n, indices } = this;
    n.fill(0);
    for (let k = 0; k < indices.length; k += 3) {
      const a = indices[k] * 3, b = indices[k + 1] * 3, c = indices[k + 2] * 3;
      const ux = p[b] - p[a], uy = p[b + 1] - p[a + 1], uz = p[b + 2] - p[a + 2];
      const vx = p[c] - p[a], vy = p[c + 1] - p[a + 1], vz = p[c + 2] - p[a + 2];
      const x = uy * vz - uz * vy, y = uz * vx - ux * vz, z = ux * vy - uy * vx;
      n[a] += x; n[a + 1] += y; n[a + 2] += z;
      n[b] += x; n[b + 1] += y; n[b + 2] += z;
      n[c] += x; n[c + 1] += y; n[c + 2] += z;
    }
  }

  matrices() {
    const { width, height } = this.canvas, aspect = width / height, f = 4.2, far = 20, near = 0.1;
    const narrow = Math.min(1, aspect * 1.25);
    const cx = Math.cos(this.turn.x), sx = Math.sin(this.turn.x), cy = Math.cos(this.turn.y), sy = Math.sin(this.turn.y);
    const away = -4.55 * this.turn.distance;
    const view = [cx, sx * sy, -sx * cy, 0, 0, cy, sy, 0, sx, -cx * sy, cx * cy, 0, 0, 0, away, 1];
    const k = f * narrow;
    const projection = [k / aspect, 0, 0, 0, 0, k, 0, 0, 0, 0, -(far + near) / (far - near), -1, 0, 0, (-2 * far * near) / (far - near), 0];
    return { view, projection };
  }

  draw(weights) {
    const gl = this.gl;
    this.morph(weights);
    this.shade();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.position);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, this.moved);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.normal);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, this.normals);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const { view, projection } = this.matrices();
    gl.uniformMatrix4fv(gl.getUniformLocation(this.program, "view"), false, view);
    gl.uniformMatrix4fv(gl.getUniformLocation(this.program, "projection"), false, projection);
    gl.drawElements(gl.TRIANGLES, this.indices.length, gl.UNSIGNED_INT, 0);
  }
}
