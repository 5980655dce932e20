// avatars.mjs PACKAGE MODEL NODE_MODULES: the adapters on three.js and three-vrm, results as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, model, modules] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const THREE = require("three");
const { VRMExpression, VRMExpressionManager } = require("@pixiv/three-vrm");
const { KoeMorph } = await import(`${folder}/dist/koemorph.js`);
const { threeAdapter, vrmAdapter } = await import(`${folder}/dist/adapters.js`);

const koemorph = await KoeMorph.load({ model: readFileSync(model) });
const names = koemorph.blendshapes;
const weights = Float32Array.from(names, (_, i) => (i + 1) / 100);

function mesh(targets) {
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute("position", new THREE.Float32BufferAttribute([0, 0, 0], 3));
  geometry.morphAttributes.position = targets.map((name) => {
    const attribute = new THREE.Float32BufferAttribute([0, 1, 0], 3);
    attribute.name = name;
    return attribute;
  });
  return new THREE.Mesh(geometry);
}

function avatar(expressions) {
  const manager = new VRMExpressionManager();
  for (const name of expressions) manager.registerExpression(new VRMExpression(name));
  return { expressionManager: manager };
}

const head = mesh(["blendShape1.jaw_Open", "unrelated", "EyeBlink_L"]);
const teeth = mesh(["jawOpen"]);
const root = new THREE.Group().add(head, teeth);
const three = threeAdapter(root, names);
three.apply(weights);

const map = koemorph.retargetMap(readFileSync(`${folder}/maps/vrm1.json`, "utf8"));
const perfect = avatar(names.map((name) => name[0].toUpperCase() + name.slice(1)));
const plain = avatar(["aa", "ih", "ou", "ee", "oh", "blinkLeft"]);
const [perfectAdapter, plainAdapter] = [perfect, plain].map((vrm) => vrmAdapter(vrm, names, map));
perfectAdapter.apply(weights);
plainAdapter.apply(weights);
let refused = false;
try {
  vrmAdapter(plain, names);
} catch (error) {
  refused = error instanceof TypeError;
}
const converted = map.apply(weights);
console.log(
  JSON.stringify({
    head: [...head.morphTargetInfluences],
    teeth: [...teeth.morphTargetInfluences],
    matched: three.matched,
    missing: three.missing.length,
    perfectSync: [perfectAdapter.perfectSync, plainAdapter.perfectSync],
    perfectJaw: perfect.expressionManager.getValue("JawOpen"),
    plain: ["aa", "blinkLeft"].map((name) => plain.expressionManager.getValue(name)),
    expected: ["aa", "blinkLeft"].map((name) => converted[map.names.indexOf(name)]),
    refused,
  }),
);
