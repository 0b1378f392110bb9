// Runs a model in node: node tests/runtime.mjs RUNTIME KERNEL|- < {program, weights, calls: [[part, {input: float32}]]}, bytes as base64.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [runtime, kernel] = process.argv.slice(2);
const { load } = await import(pathToFileURL(runtime));
const { program, weights, calls, times = 0 } = JSON.parse(readFileSync(0, "utf8"));
const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64")).buffer;
const model = await load(program, bytes(weights), kernel === "-" ? null : readFileSync(kernel));
const answers = calls.map(([part, inputs]) => {
  const given = Object.fromEntries(Object.entries(inputs).map(([name, text]) => [name, new Float32Array(bytes(text))]));
  const out = model.run(part, given), took = [];
  for (let i = 0; i < times; i++) {
    const begin = performance.now();
    model.run(part, given);
    took.push(performance.now() - begin);
  }
  const text = Object.entries(out).map(([name, values]) => [name, Buffer.from(values.buffer).toString("base64")]);
  return { outputs: Object.fromEntries(text), took };
});
process.stdout.write(JSON.stringify({ simd: model.simd, answers }));
