// The user's rig in WebGL 2. Morph targets are summed on the CPU: they are sparse and few are active.
"use strict";

const RIG_VERTEX = `#version 300 es
in vec3 position; in vec3 normal; in vec3 color; in vec2 uv;
uniform mat4 view; uniform mat4 projection;
out vec3 n; out vec3 p; out vec3 base; out vec2 at;
void main() {
  vec4 place = view * vec4(position, 1.0);
  n = mat3(view) * normal; p = place.xyz; base = color; at = uv;
  gl_Position = projection * place;
}`;
// Colours are linear. Scattering tints the shadow of reddish surfaces only, so that teeth and eyes
// keep their colour.
const RIG_FRAGMENT = `#version 300 es
precision highp float;
in vec3 n; in vec3 p; in vec3 base; in vec2 at; out vec4 result;
uniform sampler2D image; uniform bool textured; uniform float opacity; uniform float cutoff; uniform bool blended;
vec3 light(vec3 albedo, vec3 normal, vec3 eye, vec3 from, vec3 tint, float wrap) {
  float lit = max(0.0, (dot(normal, from) + wrap) / (1.0 + wrap));
  float shine = pow(max(0.0, dot(normal, normalize(from + eye))), 28.0);
  float skin = clamp(2.0 * (albedo.r - albedo.b) / max(albedo.r, 0.01), 0.0, 1.0);
  vec3 scatter = mix(vec3(1.0), mix(vec3(1.0, 0.62, 0.5), vec3(1.0), smoothstep(0.0, 0.55, lit)), skin);
  return tint * (albedo * scatter * lit + 0.16 * shine);
}
void main() {
  vec4 texel = textured ? texture(image, at) : vec4(1.0);
  if (texel.a * opacity < cutoff) discard;
  vec3 albedo = base * (textured ? pow(texel.rgb, vec3(2.2)) : vec3(1.0));
  vec3 eye = normalize(-p), normal = normalize(n);
  if (dot(normal, eye) < 0.0) normal = -normal;
  vec3 c = albedo * mix(vec3(0.035, 0.03, 0.05), vec3(0.10, 0.11, 0.16), normal.y * 0.5 + 0.5);
  c += light(albedo, normal, eye, normalize(vec3(-0.55, 0.6, 0.75)), vec3(0.66, 0.60, 0.54), 0.25);
  c += light(albedo, normal, eye, normalize(vec3(0.9, 0.1, 0.45)), vec3(0.12, 0.12, 0.24), 0.15);
  float rim = pow(1.0 - max(dot(normal, eye), 0.0), 3.2);
  c += rim * vec3(0.16, 0.18, 0.40) * smoothstep(-0.2, 0.7, normal.y + normal.x * 0.4);
  float alpha = blended ? texel.a * opacity : 1.0;
  result = vec4(pow(c, vec3(1.0 / 1.9)) * alpha, alpha);
}`;

function shader(gl, type, source) {
  const made = gl.createShader(type);
  gl.shaderSource(made, source);
  gl.compileShader(made);
  if (!gl.getShaderParameter(made, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(made));
  return made;
}

// Antialiasing doubles the time of a frame in a software renderer.
function isSoftwareRenderer() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return false;
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(renderer);
}

// The rig, or null when there is none or this browser cannot show it; then `onError` gets a message.
async function openRig(onError) {
  if (!DATA.rig) return null;
  try {
    const rig = new Rig(byId("rig"), DATA.rig, await inflate(DATA.rig.data));
    await rig.loadImages(DATA.rig.images);
    return rig;
  } catch (error) {
    onError(`The rig cannot be shown: ${error.message}.`);
    return null;
  }
}

class Rig {
  constructor(canvas, info, data) {
    this.canvas = canvas;
    this.unpack(info, data);
    this.camera = new Camera(canvas, info.mouth, info.backwards);
    this.antialiased = !isSoftwareRenderer();
    const gl = (this.gl = canvas.getContext("webgl2", { antialias: this.antialiased, alpha: true, preserveDrawingBuffer: true }));
    if (!gl) throw new Error("this browser has no WebGL 2");
    const program = (this.program = gl.createProgram());
    gl.attachShader(program, shader(gl, gl.VERTEX_SHADER, RIG_VERTEX));
    gl.attachShader(program, shader(gl, gl.FRAGMENT_SHADER, RIG_FRAGMENT));
    gl.linkProgram(program);
    gl.useProgram(program);
    this.uniforms = Object.fromEntries(["view", "projection", "image", "textured", "opacity", "cutoff", "blended"].map((name) => [name, gl.getUniformLocation(program, name)]));
    this.buffers = {
      position: this.attribute("position", this.moved, 3, gl.FLOAT, false),
      normal: this.attribute("normal", this.normals, 3, gl.FLOAT, false),
      color: this.attribute("color", this.colors, 3, gl.UNSIGNED_BYTE, true),
      uv: this.attribute("uv", this.uv, 2, gl.FLOAT, false),
    };
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, this.indices, gl.STATIC_DRAW);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.SCISSOR_TEST);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.textures = [];
  }

  // The layout of `data` is documented in koemorph/preview/mesh.py.
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
    this.uv = take(Float32Array, info.vertices * 2);
    this.welded = take(Uint32Array, info.vertices);
    this.indices = take(Uint32Array, info.triangles * 3);
    this.targets = info.targets.map(({ name, count, scale }) => ({
      name, scale: scale / 32767, vertices: take(Uint32Array, count), deltas: take(Int16Array, count * 3),
    }));
    this.groups = info.groups;
    this.moved = Float32Array.from(this.rest);
    this.normals = new Float32Array(n);
  }

  attribute(name, values, size, type, normalized) {
    const gl = this.gl, buffer = gl.createBuffer(), at = gl.getAttribLocation(this.program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, type, normalized, 0, 0);
    return buffer;
  }

  async loadImages(images) {
    const gl = this.gl;
    this.textures = await Promise.all(images.map(async ({ mime, data }) => {
      const picture = await createImageBitmap(new Blob([bytes(data)], { type: mime }), { premultiplyAlpha: "none", colorSpaceConversion: "none" });
      const texture = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
      gl.generateMipmap(gl.TEXTURE_2D);
      return texture;
    }));
  }

  morph(weights) {
    const { moved } = this;
    moved.set(this.rest);
    for (const { name, scale, vertices, deltas } of this.targets) {
      const weight = weights[name] || 0;
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

  // Area-weighted normals; vertices that UV seams split share one.
  updateNormals() {
    const { moved: p, normals: n, indices, welded } = this;
    n.fill(0);
    for (let k = 0; k < indices.length; k += 3) {
      const a = indices[k] * 3, b = indices[k + 1] * 3, c = indices[k + 2] * 3;
      const ux = p[b] - p[a], uy = p[b + 1] - p[a + 1], uz = p[b + 2] - p[a + 2];
      const vx = p[c] - p[a], vy = p[c + 1] - p[a + 1], vz = p[c + 2] - p[a + 2];
      const x = uy * vz - uz * vy, y = uz * vx - ux * vz, z = ux * vy - uy * vx;
      for (let corner = k; corner < k + 3; corner++) {
        const to = welded[indices[corner]] * 3;
        n[to] += x; n[to + 1] += y; n[to + 2] += z;
      }
    }
    for (let v = 0; v < welded.length; v++) {
      if (welded[v] !== v) n.copyWithin(v * 3, welded[v] * 3, welded[v] * 3 + 3);
    }
  }

  // Draw one face per set of weights, side by side.
  draw(faces) {
    const gl = this.gl, { width, height } = this.canvas, room = Math.floor(width / faces.length);
    const { view, projection } = this.camera.matrices(room / height);
    gl.uniformMatrix4fv(this.uniforms.view, false, view);
    gl.uniformMatrix4fv(this.uniforms.projection, false, projection);
    faces.forEach((weights, k) => {
      this.morph(weights);
      this.updateNormals();
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.position);
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, this.moved);
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.normal);
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, this.normals);
      gl.viewport(k * room, 0, room, height);
      gl.scissor(k * room, 0, k === faces.length - 1 ? width - k * room : room, height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      this.drawGroups();
    });
  }

  drawGroups() {
    const gl = this.gl;
    let first = 0;
    for (const { triangles, image, opacity, cutoff, blend } of this.groups) {
      const texture = this.textures[image];
      gl.uniform1i(this.uniforms.textured, texture ? 1 : 0);
      if (texture) gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.uniform1f(this.uniforms.opacity, opacity);
      gl.uniform1f(this.uniforms.cutoff, cutoff);
      gl.uniform1i(this.uniforms.blended, blend ? 1 : 0);
      if (blend) gl.enable(gl.BLEND);
      else gl.disable(gl.BLEND);
      gl.depthMask(!blend);
      gl.uniform1i(this.uniforms.image, 0);
      gl.drawElements(gl.TRIANGLES, triangles * 3, gl.UNSIGNED_INT, first * 12);
      first += triangles;
    }
    gl.depthMask(true);
  }
}
