// Weights onto avatars: three.js meshes, VRM expressions, any callback.

function key(name) {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

function canonical(name) {
  return key(name.replace(/^.*\./, "")).replace(/(left|right|l|r)$/, (side) => side[0]);
}

/**
 * Drive the morph targets of all meshes below a three.js object, by name.
 * @returns {{apply: (weights: ArrayLike<number>) => void, matched: string[], missing: string[]}}
 */
export function threeAdapter(root, names) {
  const bindings = []; // [influences, target, blend shape]
  const matched = new Set();
  root.traverse((mesh) => {
    const dictionary = mesh.morphTargetDictionary;
    if (!dictionary) return;
    const targets = new Map();
    for (const [name, index] of Object.entries(dictionary)) targets.set(canonical(name), index);
    names.forEach((name, i) => {
      const index = targets.get(canonical(name));
      if (index === undefined) return;
      bindings.push([mesh.morphTargetInfluences, index, i]);
      matched.add(name);
    });
  });
  return {
    apply(weights) {
      for (const [influences, index, i] of bindings) influences[index] = weights[i];
    },
    matched: [...matched],
    missing: names.filter((name) => !matched.has(name)),
  };
}

/**
 * Drive the expressions of a @pixiv/three-vrm avatar. With perfect sync (52 custom expressions) the
 * blend shapes are used directly; otherwise `map` (RetargetMap of maps/vrm1.json) converts them.
 * three-vrm gives the expressions of VRM 0 the names of VRM 1.
 */
export function vrmAdapter(vrm, names, map = null) {
  const manager = vrm.expressionManager;
  const expressions = new Map();
  for (const { expressionName } of manager.expressions) {
    expressions.set(key(expressionName), expressionName);
  }
  const direct = names.map((name) => expressions.get(key(name)));
  const perfectSync = direct.filter(Boolean).length >= names.length / 2;
  if (!perfectSync && map === null) {
    throw new TypeError(
      "vrmAdapter: the avatar has no perfect sync expressions, so map is needed: " +
        "koemorph.retargetMap of maps/vrm1.json.",
    );
  }
  const targets = perfectSync ? direct : map.names.map((name) => expressions.get(key(name)));
  const converted = perfectSync ? null : new Float32Array(map.names.length);
  return {
    perfectSync,
    matched: targets.filter(Boolean),
    apply(weights) {
      const values = perfectSync ? weights : map.apply(weights, converted);
      targets.forEach((name, i) => {
        if (name !== undefined) manager.setValue(name, values[i]);
      });
    },
  };
}

/** Call use({ jawOpen: 0.3, ... }), with one object for all calls. */
export function callbackAdapter(names, use) {
  const values = Object.fromEntries(names.map((name) => [name, 0]));
  return {
    apply(weights) {
      names.forEach((name, i) => (values[name] = weights[i]));
      use(values);
    },
  };
}

/** Sample a face for each displayed frame; returns a function that stops. */
export function animate(face, adapter) {
  let handle = 0;
  const draw = () => {
    adapter.apply(face.sample());
    handle = requestAnimationFrame(draw);
  };
  draw();
  return () => cancelAnimationFrame(handle);
}
