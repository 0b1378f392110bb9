// Damage a program and its weights in every way: node tests/fuzz.mjs RUNTIME KERNEL FOLDER TIMES. Only a Refusal may come of it.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [runtime, kernelPath, folder, times] = process.argv.slice(2);
const { load, Refusal } = await import(pathToFileURL(runtime));
const kernel = readFileSync(kernelPath), text = readFileSync(`${folder}/program.json`, "utf8");
const weights = new Uint8Array(readFileSync(`${folder}/model.safetensors`));
let seed = 12345;
const draw = (n) => { seed = (Math.imul(seed, 1103515245) + 12345) >>> 0; return Math.floor((seed / 2 ** 32) * n); };
const pick = (list) => list[draw(list.length)];
const NONSENSE = [null, -1, 0, 1e9, 1e300, 0.5, "", "x", [], {}, [1, 2], true, 2 ** 31, "__proto__"];

function nodes(tree, list = []) { // every place in a JSON tree, as [holder, key]
  for (const key of Object.keys(tree)) {
    list.push([tree, key]);
    if (typeof tree[key] === "object" && tree[key]) nodes(tree[key], list);
  }
  return list;
}
function damagedProgram() {
  if (draw(3) === 0) { // as text
    const at = draw(text.length), form = draw(3);
    if (form === 0) return text.slice(0, at);
    return text.slice(0, at) + (form === 1 ? String.fromCharCode(32 + draw(90)) : "") + text.slice(at + 1);
  }
  const tree = JSON.parse(text);
  for (let i = 0; i <= draw(3); i++) {
    const [holder, key] = pick(nodes(tree)), form = draw(4);
    if (form === 0) delete holder[key];
    else if (form === 1 && typeof holder[key] === "number") holder[key] += pick([-1, 1, 7, 1000, -holder[key]]);
    else if (form === 2) { const [other, at] = pick(nodes(tree)); holder[key] = structuredClone(other[at]); }
    else holder[key] = pick(NONSENSE);
  }
  return JSON.stringify(tree);
}
function damagedWeights() {
  const copy = Uint8Array.from(weights), form = draw(4), header = Number(new DataView(copy.buffer).getBigUint64(0, true));
  if (form === 0) return copy.slice(0, draw(copy.length)).buffer;
  if (form === 1) copy[draw(8)] = draw(256);
  else for (let i = 0; i <= draw(4); i++) copy[8 + draw(header)] = form === 2 ? draw(256) : pick([48, 49, 57, 34, 44, 91, 93, 123, 125]);
  return copy.buffer;
}
async function use(program, file, kernelBytes) {
  const model = await load(program, file, kernelBytes);
  for (const [name, part] of Object.entries(model.program.parts)) {
    const rows = Object.entries(part.inputs).map(([input, shape]) => [input, new Float32Array(shape.reduce((a, b) => a * b, 1))]);
    model.run(name, Object.fromEntries(rows));
  }
}
await use(text, weights.slice().buffer, kernel); // as it is, it runs
let refused = 0;
for (let i = 0; i < Number(times); i++) {
  const damagesProgram = draw(2) === 0, begin = performance.now();
  const program = damagesProgram ? damagedProgram() : text, file = damagesProgram ? weights.slice().buffer : damagedWeights();
  try {
    await use(program, file, draw(4) ? kernel : null);
  } catch (error) {
    refused++;
    if (!(error instanceof Refusal)) { console.log(`mutation ${i}:`, error.stack, program.slice(0, 300)); process.exit(1); }
    if (error instanceof Refusal && !/^[A-Za-z].*[.]$/s.test(error.message)) { console.log(`no sentence: ${error.message}`); process.exit(1); }
  }
  if (performance.now() - begin > 8000) { console.log(`mutation ${i} took ${performance.now() - begin} ms`); process.exit(1); }
}
console.log(`${refused} of ${times} refused`);
if (refused < times / 4) process.exit(1);
