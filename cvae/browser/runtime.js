// Runs a model's program (program.py) on the weights of its model.safetensors, in a page, in a worker or in node:
//   const model = await load(program, weights, kernel);         // text or object; ArrayBuffer; bytes of kernel.wasm or null
//   const { pixels } = model.run("decoder", { u: [0.1, -0.3] }); // Float32Array, row by row; a batch is longer inputs
// An input of one row serves all rows of the others, and what depends on it alone is computed once.
// Whatever is wrong - a damaged file, a newer program, too little memory - is a Refusal with one plain sentence.

export class Refusal extends Error { name = "Refusal"; }

const FORMAT = 1, LARGEST = 2 ** 27; // numbers in memory at most: half a gigabyte
const MOST_WORK = 2 ** 34; // multiplications of one step at most: a second or so, where a damaged program could ask for days
const refuse = (sentence) => { throw new Refusal(sentence); };
const damaged = () => refuse("The program of this model is damaged; load the page again.");
const isCount = (n) => Number.isInteger(n) && n >= 0 && n <= LARGEST;
const isPlain = (x) => typeof x === "object" && x !== null && !Array.isArray(x);
const product = (numbers) => numbers.reduce((a, b) => a * b, 1);

// A Refusal passes as it is; anything else that breaks means that the files are not what they should be, or no memory.
function guarded(work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    if (error instanceof RangeError) refuse("This model needs more memory than the browser gives it.");
    return damaged();
  }
}

export async function load(program, weights, kernel = null) {
  const parsed = guarded(() => parse(program)), tensors = guarded(() => readTensors(weights));
  const heap = await makeHeap(kernel);
  const parts = new Map(Object.entries(parsed.parts).map(([name, part]) => [name, guarded(() => makePart(part, tensors, heap))]));
  return {
    program: parsed,
    simd: heap.simd,
    run(name, inputs) {
      const part = parts.get(name) ?? refuse(`This model has no ${name}.`);
      return guarded(() => part(inputs));
    },
  };
}

function parse(program) {
  let parsed = program;
  if (typeof program === "string") {
    try { parsed = JSON.parse(program); } catch { damaged(); }
  }
  if (!isPlain(parsed) || !isPlain(parsed.parts)) damaged();
  if (parsed.format > FORMAT) refuse("This model was written for a newer version of this page; load the page again.");
  if (parsed.format !== FORMAT || !isCount(parsed.latent) || !isCount(parsed.classes)) damaged();
  if (!Array.isArray(parsed.image) || parsed.image.length !== 3 || !parsed.image.every((n) => isCount(n) && n > 0)) damaged();
  return parsed;
}

// Weights

const KINDS = { // bytes of a number, and what makes them float32
  F16: [2, (bytes) => halves(new Uint16Array(bytes))], F32: [4, (bytes) => new Float32Array(bytes)],
  F64: [8, (bytes) => new Float32Array(new Float64Array(bytes))],
  I8: [1, (bytes) => new Float32Array(new Int8Array(bytes))], U8: [1, (bytes) => new Float32Array(new Uint8Array(bytes))],
  I32: [4, (bytes) => new Float32Array(new Int32Array(bytes))], I64: [8, (bytes) => Float32Array.from(new BigInt64Array(bytes), Number)],
  BF16: [2, (bytes) => new Float32Array(Uint32Array.from(new Uint16Array(bytes), (b) => b << 16).buffer)],
};
function halves(given) { // the exponent moves to its place in float32, its bias is made up for by the factor
  const words = new Uint32Array(given.length), floats = new Float32Array(words.buffer);
  for (let i = 0; i < words.length; i++) words[i] = ((given[i] & 0x7fff) << 13) | ((given[i] & 0x8000) << 16);
  for (let i = 0; i < words.length; i++) floats[i] *= 2 ** 112;
  return floats;
}

// The tensors of a safetensors file: name -> function that returns its numbers as Float32Array, and their count.
function readTensors(file) {
  const broken = () => refuse("The weights of this model are damaged or half loaded; load the page again.");
  if (!(file instanceof ArrayBuffer) || file.byteLength < 8) broken();
  const length = Number(new DataView(file).getBigUint64(0, true)), start = 8 + length;
  if (start > file.byteLength) broken();
  let header;
  try { header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length))); } catch { broken(); }
  if (!isPlain(header)) broken();
  const tensors = new Map();
  for (const [name, about] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, data_offsets: ends } = isPlain(about) ? about : {};
    if (!Object.hasOwn(KINDS, String(dtype))) continue; // of no use to a program, unless one asks for it
    if (![shape, ends].every((list) => Array.isArray(list) && list.every(Number.isInteger)) || ends.length !== 2) broken();
    const [from, to] = ends, count = product(shape), [size, read] = KINDS[dtype];
    if (!(shape.every(isCount) && from >= 0 && from <= to && start + to <= file.byteLength && count * size === to - from)) broken();
    tensors.set(name, { count, read: () => read(file.slice(start + from, start + to)) });
  }
  return tensors;
}

// Memory, and the heavy functions over it: those of kernel.wasm, or the same in JavaScript

const GROUND = 2 ** 15; // float32 of memory that the kernel keeps for itself

async function makeHeap(kernel) {
  const heap = { end: GROUND, simd: false, f32: new Float32Array(0) };
  try {
    heap.memory = new WebAssembly.Memory({ initial: 4 });
    heap.kernel = (await WebAssembly.instantiate(kernel, { env: { memory: heap.memory } })).instance.exports;
    heap.simd = true;
    heap.f32 = new Float32Array(heap.memory.buffer);
  } catch {
    if (kernel) console.info("WebAssembly with SIMD does not run here; pictures are made in plain JavaScript, more slowly.");
    heap.memory = null;
    heap.kernel = plainKernel(heap);
  }
  heap.reach = (end) => { // make room for so many float32
    if (end > LARGEST) throw new RangeError();
    if (end <= heap.f32.length) return;
    if (heap.memory) {
      heap.memory.grow(Math.ceil((end - heap.f32.length) / 2 ** 14));
      heap.f32 = new Float32Array(heap.memory.buffer);
    } else {
      const old = heap.f32;
      heap.f32 = new Float32Array(Math.ceil(1.2 * end));
      heap.f32.set(old);
    }
  };
  heap.keep = (count) => { // a place for good
    const place = heap.end;
    heap.reach(place + padded(count));
    heap.end = place + padded(count);
    return place;
  };
  return heap;
}

const padded = (count) => (count + 11) & ~3; // so that whole vectors may be read and written at the end

const MAPS = ["silu", "relu", "sigmoid", "exp", "affine", "clamp"], JOINS = ["add", "sub", "mul"];
const FUNCTIONS = {
  silu: (v) => v / (1 + Math.exp(-v)), relu: (v) => Math.max(0, v), sigmoid: (v) => 1 / (1 + Math.exp(-v)), exp: Math.exp,
  affine: (v, p, q) => v * p + q, clamp: (v, p, q) => Math.max(p, Math.min(q, v)), tanh: Math.tanh, sqrt: Math.sqrt, log: Math.log,
  log1p: Math.log1p, abs: Math.abs,
  root: (v) => 1 / Math.sqrt(v), above: (v, p) => Number(v > p), logit: (v) => Math.log(v / (1 - v)), into: (v, p) => p / v,
};
const OPERATORS = {
  add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, div: (a, b) => a / b, from: (a, b) => b - a, into: (a, b) => b / a,
  least: Math.min,
};

const floatAt = (address) => address >> 2; // addresses are in bytes, as in kernel.c

const plainKernel = (heap) => ({ ...plainProducts(heap), ...plainMaps(heap) });

function plainProducts(heap) {
  return {
    gemm(a, b, bias, c, m, k, n) {
      const f = heap.f32, sums = new Float32Array(8);
      for (let i = 0; i < m; i++) {
        const row = floatAt(a) + i * k, start = bias ? f[floatAt(bias) + i] : 0;
        for (let j = 0; j < n; j += 8) {
          let s0 = start, s1 = start, s2 = start, s3 = start, s4 = start, s5 = start, s6 = start, s7 = start;
          for (let q = 0, p = floatAt(b) + j * k; q < k; q++, p += 8) {
            const w = f[row + q];
            s0 += w * f[p]; s1 += w * f[p + 1]; s2 += w * f[p + 2]; s3 += w * f[p + 3];
            s4 += w * f[p + 4]; s5 += w * f[p + 5]; s6 += w * f[p + 6]; s7 += w * f[p + 7];
          }
          sums.set([s0, s1, s2, s3, s4, s5, s6, s7]);
          for (let t = 0; t < Math.min(8, n - j); t++) f[floatAt(c) + i * n + j + t] = sums[t];
        }
      }
    },
    gemv(a, x, bias, y, m, k) {
      const f = heap.f32;
      for (let i = 0, p = floatAt(a); i < m; i++) {
        let sum = bias ? f[floatAt(bias) + i] : 0;
        for (let q = 0; q < k; q++) sum += f[p++] * f[floatAt(x) + q];
        f[floatAt(y) + i] = sum;
      }
    },
    unfold(x, to, channels, h, w, kh, kw, sh, sw, ph, pw, oh, ow) {
      const f = heap.f32, rows = channels * kh * kw;
      for (let row = 0; row < rows; row++) {
        const c = Math.floor(row / (kh * kw)), ky = Math.floor(row / kw) % kh, kx = row % kw;
        for (let i = 0; i < oh * ow; i++) {
          const iy = Math.floor(i / ow) * sh - ph + ky, ix = (i % ow) * sw - pw + kx;
          const inside = iy >= 0 && iy < h && ix >= 0 && ix < w;
          f[floatAt(to) + ((i >> 3) * rows + row) * 8 + (i & 7)] = inside ? f[floatAt(x) + (c * h + iy) * w + ix] : 0;
        }
      }
    },
    fold(columns, bias, y, channels, h, w, kh, kw, sh, sw, ph, pw, oh, ow) {
      const f = heap.f32;
      for (let c = 0, p = floatAt(columns); c < channels; c++) {
        const out = floatAt(y) + c * oh * ow;
        f.fill(bias ? f[floatAt(bias) + c] : 0, out, out + oh * ow);
        for (let ky = 0; ky < kh; ky++) for (let kx = 0; kx < kw; kx++) for (let iy = 0; iy < h; iy++) for (let ix = 0; ix < w; ix++, p++) {
          const oy = iy * sh - ph + ky, ox = ix * sw - pw + kx;
          if (oy >= 0 && oy < oh && ox >= 0 && ox < ow) f[out + oy * ow + ox] += f[p];
        }
      }
    },
  };
}

function plainMaps(heap) {
  return {
    map(code, x, y, n, p, q) {
      const f = heap.f32, of = FUNCTIONS[MAPS[code]];
      for (let i = 0; i < n; i++) f[floatAt(y) + i] = of(f[floatAt(x) + i], p, q);
    },
    join(code, x, y, z, n) {
      const f = heap.f32, of = OPERATORS[JOINS[code]];
      for (let i = 0; i < n; i++) f[floatAt(z) + i] = of(f[floatAt(x) + i], f[floatAt(y) + i]);
    },
    spread(code, x, y, z, rows, n) {
      const f = heap.f32, of = OPERATORS[JOINS[code]];
      for (let i = 0; i < rows * n; i++) f[floatAt(z) + i] = of(f[floatAt(x) + i], f[floatAt(y) + Math.floor(i / n)]);
    },
  };
}

// A part of a program: its weights in memory, and for each number of rows a plan, a list of functions to call in order

const OPERANDS = ["x", "y", "w", "b"];
const valueOf = (operand) => (Array.isArray(operand) ? operand[0] : operand);

function makePart(part, tensors, heap) {
  const { sizes, outputs } = part, entries = checkedInputs(part);
  let fixed = null, ground = 0, plans = new Map(); // fixed: where weights and what follows from them lie

  return (given) => {
    fixed ??= keepWeights(part, tensors, heap);
    const counts = rowsOf(given, entries, sizes);
    if (ground !== heap.end) { plans = new Map(); ground = heap.end; } // another part took the room behind this one's weights
    const key = String(counts);
    if (!plans.has(key)) plans.set(key, makePlan(part, entries, fixed, counts, heap));
    const { acts, rows, places, starts } = plans.get(key);
    entries.forEach(([name], i) => heap.f32.set(given[name], starts[i]));
    for (const act of acts) act();
    return Object.fromEntries(Object.entries(outputs).map(([name, [value]]) => {
      const place = places.get(value) ?? damaged();
      return [name, heap.f32.slice(place, place + sizes[value] * rows.get(value))];
    }));
  };
}

// Puts the weights of a part into memory, and what follows from them alone; returns where each value lies.
function keepWeights({ tensors: names, sizes, once, steps }, tensors, heap) {
  const places = new Map();
  names.forEach((name, value) => {
    const tensor = tensors.get(name);
    if (tensor?.count !== sizes[value]) refuse("The weights of this model are not those that its program asks for.");
    places.set(value, heap.keep(tensor.count));
    heap.f32.set(tensor.read(), places.get(value));
  });
  const rows = new Map(names.map((_, value) => [value, 1]));
  spreadRows(once, rows);
  let scratch = 0;
  for (const step of once) {
    if (!places.has(step.out)) places.set(step.out, heap.keep(sizes[step.out]));
    scratch = Math.max(scratch, scratchOf(step));
  }
  heap.reach(heap.end + scratch);
  for (const step of once) for (const act of compile(step, { heap, sizes, rows, places, scratch: heap.end })) act();
  if (heap.simd) for (const step of steps) if (tilesOf(step)) keepTiled(step, sizes, places, heap);
  return places;
}

// Puts what a convolution by tiles (kernel.c) needs of its weights beside them: their share in each of 36 products, (out, in).
const SHARES = [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]];
const SHARE = Float64Array.from(SHARES.flatMap((down) => SHARES.flatMap((across) => down.flatMap((a) => across.map((b) => a * b)))));
function keepTiled(step, sizes, places, heap) {
  const { w, dims: [n, , , m] } = step, value = valueOf(w), start = Array.isArray(w) ? w[1] : 0, key = tiledKey(step);
  if (places.has(key) || !places.has(value) || start + 9 * n * m > sizes[value]) return;
  const to = heap.keep(36 * n * m), f = heap.f32, from = places.get(value) + start;
  for (let pair = 0; pair < n * m; pair++) {
    for (let p = 0; p < 36; p++) {
      let sum = 0;
      for (let i = 0; i < 9; i++) sum += SHARE[9 * p + i] * f[from + 9 * pair + i];
      f[to + p * n * m + pair] = sum;
    }
  }
  places.set(key, to);
}
const tiledKey = ({ w, dims }) => `${w} by tiles, ${dims}`;

// The number of rows that each input is given.
function rowsOf(given, entries, sizes) {
  const counts = entries.map(([name, value]) => {
    const length = given?.[name]?.length, count = length / sizes[value];
    if (!(Number.isInteger(count) && count > 0)) refuse(`${name} must hold a multiple of ${sizes[value]} numbers; it holds ${length ?? "none"}.`);
    return count;
  });
  const most = Math.max(...counts);
  if (counts.some((count) => count !== 1 && count !== most)) refuse("Every input must have one row, or as many as the others.");
  return counts;
}

// For these numbers of rows: where every value lies, for no longer than it is read, and the functions to call in order.
function makePlan({ sizes, steps, outputs }, entries, fixed, counts, heap) {
  const rows = new Map([...fixed.keys()].map((value) => [value, 1])), places = new Map(fixed);
  entries.forEach(([, value], i) => rows.set(value, counts[i]));
  spreadRows(steps, rows);
  const last = new Map(); // value -> the last step that reads it
  steps.forEach((step, i) => { for (const key of OPERANDS) if (key in step) last.set(valueOf(step[key]), i); });
  for (const [value] of Object.values(outputs)) last.set(value, Infinity);
  const room = makeRoom(heap.end), mine = (value) => places.has(value) && !fixed.has(value);
  for (const [, value] of entries) places.set(value, room.take(sizes[value] * rows.get(value)));
  const starts = entries.map(([, value]) => places.get(value)), acts = [];
  let scratch = 0;
  const laid = steps.map((step, i) => {
    if (!places.has(step.out)) places.set(step.out, room.take(sizes[step.out] * rows.get(step.out)));
    scratch = Math.max(scratch, scratchOf(step));
    const before = new Map(places);
    for (const key of OPERANDS) {
      const value = valueOf(step[key]);
      if (key in step && last.get(value) === i && mine(value)) { room.free(places.get(value), sizes[value] * rows.get(value)); places.delete(value); }
    }
    return before;
  });
  heap.reach(room.top() + scratch);
  steps.forEach((step, i) => acts.push(...compile(step, { heap, sizes, rows, places: laid[i], scratch: room.top() })));
  return { acts, rows, places, starts };
}

// The name, the value and the shape of each input of a part, which must be sound.
function checkedInputs({ inputs, tensors, sizes, once, steps, outputs }) {
  if (![tensors, sizes, once, steps].every(Array.isArray) || !isPlain(inputs) || !isPlain(outputs)) damaged();
  if (!sizes.every(isCount) || sizes.length > 1e5 || tensors.length + Object.keys(inputs).length > sizes.length) damaged();
  for (const step of [...once, ...steps]) checkStep(step, sizes.length);
  const entries = Object.entries(inputs).map(([name, shape], i) => [name, tensors.length + i, shape]);
  for (const [, value, shape] of entries) if (!Array.isArray(shape) || product(shape) !== sizes[value]) damaged();
  for (const out of Object.values(outputs)) {
    if (!Array.isArray(out) || !isCount(out[0]) || !Array.isArray(out[1]) || product(out[1]) !== sizes[out[0]]) damaged();
  }
  return entries;
}

function checkStep(step, values) {
  if (!isPlain(step) || typeof step.op !== "string") damaged();
  if (!Object.hasOwn(STEPS, step.op)) refuse("This model has a step that this page does not know; load the page again.");
  const known = (value) => Number.isInteger(value) && value >= 0 && value < values;
  if (!known(step.out)) damaged();
  for (const key of OPERANDS) {
    if (!(key in step)) continue;
    const operand = step[key];
    if (!known(valueOf(operand)) || (Array.isArray(operand) && !(operand.length === 2 && isCount(operand[1])))) damaged();
  }
  if ("dims" in step && !(Array.isArray(step.dims) && step.dims.every(isCount))) damaged();
}

// How many rows every value has: one, or as many as the inputs that it depends on.
function spreadRows(steps, rows) {
  const counts = new Map();
  for (const step of steps) {
    let most = counts.get(step.out) ?? 1;
    for (const key of OPERANDS) if (key in step) most = Math.max(most, rows.get(valueOf(step[key])) ?? damaged());
    counts.set(step.out, most);
    rows.set(step.out, most);
  }
}

function makeRoom(start) { // first fit, in float32
  let holes = [], top = start, highest = start;
  return {
    take(count) {
      const wanted = padded(count), hole = holes.find(([, size]) => size >= wanted);
      if (!hole) { top += wanted; highest = Math.max(highest, top); return top - wanted; }
      const place = hole[0];
      hole[0] += wanted;
      hole[1] -= wanted;
      return place;
    },
    free(place, count) {
      holes.push([place, padded(count)]);
      holes.sort((a, b) => a[0] - b[0]);
      holes = holes.reduce((kept, hole) => {
        const before = kept.at(-1);
        if (before && before[0] + before[1] === hole[0]) before[1] += hole[1]; else kept.push(hole);
        return kept;
      }, []);
    },
    top: () => highest,
  };
}

// How a convolution goes by tiles of 4x4 pixels, where it can: how many down and across, how many columns of the products
// one picture has, how many pictures go together, and the columns of all these.
function tilesOf({ op, dims }) {
  if (op !== "conv" || dims?.length !== 12) return null;
  const [n, , , , kh, kw, sh, sw, , , oh, ow] = dims;
  if (kh !== 3 || kw !== 3 || sh !== 1 || sw !== 1 || n < 4) return null;
  const down = Math.ceil(oh / 4), across = Math.ceil(ow / 4), each = Math.ceil((down * across) / 4) * 4, together = Math.max(1, Math.floor(64 / each));
  return { down, across, each, together, columns: Math.ceil((each * together) / 8) * 8, sheet: (4 * down + 2) * (4 * across + 2) + 8 };
}

// What a step needs beside its operands and its result: the patches of one picture, the columns of one transposed convolution.
function scratchOf({ op, dims }) {
  if (op !== "conv" && op !== "deconv") return 0;
  if (dims?.length !== 12) damaged();
  const [n, h, w, m, kh, kw, , , , , oh, ow] = dims;
  const unfolded = op === "conv" ? n * kh * kw * (oh * ow + 8) : n * (h * w + 8) + m * kh * kw * h * w + 16;
  const tiles = tilesOf({ op, dims }), count = Math.max(unfolded, tiles ? 36 * ((n + m) * tiles.columns + 32) + tiles.sheet : 0);
  if (count > LARGEST) throw new RangeError();
  return padded(count);
}

// The functions that do one step. `c` tells where its values lie and how many rows they have.
function compile(step, c) {
  const { heap, sizes, rows, places } = c, k = heap.kernel, out = places.get(step.out), many = rows.get(step.out);
  const operand = (key, count) => { // where it begins, and how far apart its rows are; `count` numbers of it must exist
    const value = valueOf(step[key]), start = Array.isArray(step[key]) ? step[key][1] : 0;
    if (!places.has(value) || !isCount(count) || start + count > sizes[value]) damaged();
    return { at: places.get(value) + start, by: rows.get(value) > 1 ? sizes[value] : 0, whole: start === 0 && count === sizes[value] };
  };
  const result = (count) => { if (count !== sizes[step.out]) damaged(); return count; };
  const each = (act) => () => { for (let row = 0; row < many; row++) act(row); };
  const numbers = (step.p ?? []).map(Number);
  return STEPS[step.op]({ step, heap, k, out, many, operand, result, each, numbers, scratch: c.scratch, sizes, rows, places });
}

const address = (place) => 4 * place;

const STEPS = {
  linear({ step, k, out, operand, result, each }) { // y = w x + b; dims: numbers in, numbers out
    const [n, m] = step.dims?.length === 2 ? step.dims : damaged();
    result(m);
    const x = operand("x", n), w = operand("w", n * m), b = "b" in step ? operand("b", m) : null;
    return [each((row) => k.gemv(address(w.at), address(x.at + row * x.by), b ? address(b.at) : 0, address(out + row * m), m, n))];
  },
  conv({ step, k, out, many, operand, result, each, scratch, places }) { // dims: in, height, width, out, kernel, stride, padding, height, width
    const [n, h, w, m, kh, kw, sh, sw, ph, pw, oh, ow] = step.dims, depth = n * kh * kw, area = oh * ow;
    if (m * depth * area > MOST_WORK) damaged();
    const x = operand("x", n * h * w), weight = operand("w", m * depth), b = "b" in step ? operand("b", m) : null, size = result(m * area);
    const tiled = places.get(tiledKey(step));
    if (tiled) return [byTiles(tilesOf(step), { k, dims: step.dims, out, many, x, tiled, b, scratch, size })];
    return [each((row) => {
      k.unfold(address(x.at + row * x.by), address(scratch), n, h, w, kh, kw, sh, sw, ph, pw, oh, ow);
      k.gemm(address(weight.at), address(scratch), b ? address(b.at) : 0, address(out + row * size), m, depth, area);
    })];
  },
  deconv({ step, k, out, operand, result, each, scratch }) { // transposed; w is (out, kernel, in)
    const [n, h, w, m, kh, kw, sh, sw, ph, pw, oh, ow] = step.dims, area = h * w, columns = scratch + n * (area + 8);
    if (m * kh * kw * n * area > MOST_WORK) damaged();
    const x = operand("x", n * area), weight = operand("w", m * kh * kw * n), b = "b" in step ? operand("b", m) : null, size = result(m * oh * ow);
    return [each((row) => {
      k.unfold(address(x.at + row * x.by), address(scratch), n, h, w, 1, 1, 1, 1, 0, 0, h, w);
      k.gemm(address(weight.at), address(scratch), 0, address(columns), m * kh * kw, n, area);
      k.fold(address(columns), b ? address(b.at) : 0, address(out + row * size), m, h, w, kh, kw, sh, sw, ph, pw, oh, ow);
    })];
  },
  map({ step, heap, k, out, many, operand, result, each, numbers, sizes }) { // one function of every number
    const n = result(sizes[step.out]), x = operand("x", n), [p = 0, q = 0] = numbers, code = MAPS.indexOf(step.f);
    if (code >= 0 && x.whole && (x.by || many === 1)) return [() => k.map(code, address(x.at), address(out), n * many, p, q)];
    if (code >= 0) return [each((row) => k.map(code, address(x.at + row * x.by), address(out + row * n), n, p, q))];
    const of = Object.hasOwn(FUNCTIONS, step.f) ? FUNCTIONS[step.f] : damaged();
    return [each((row) => {
      const f = heap.f32;
      for (let i = 0, from = x.at + row * x.by, to = out + row * n; i < n; i++) f[to + i] = of(f[from + i], p, q);
    })];
  },
  join({ step, heap, k, out, many, operand, result, each, sizes }) { // x[i] with y[i / every % of]
    const n = result(sizes[step.out]), { every, of } = step, code = JOINS.indexOf(step.f);
    if (!isCount(every) || !isCount(of) || !every || !of) damaged();
    const x = operand("x", n), y = operand("y", of), alike = every === 1 && of === n;
    if (code >= 0 && alike && x.whole && y.whole && (many === 1 || (x.by && y.by))) return [() => k.join(code, address(x.at), address(y.at), address(out), n * many)];
    if (code >= 0 && alike) return [each((row) => k.join(code, address(x.at + row * x.by), address(y.at + row * y.by), address(out + row * n), n))];
    if (code >= 0 && every * of === n) return [each((row) => k.spread(code, address(x.at + row * x.by), address(y.at + row * y.by), address(out + row * n), of, every))];
    const f = Object.hasOwn(OPERATORS, step.f) ? OPERATORS[step.f] : damaged();
    return [each((row) => {
      const a = heap.f32, from = x.at + row * x.by, with_ = y.at + row * y.by, to = out + row * n;
      for (let i = 0; i < n; i++) a[to + i] = f(a[from + i], a[with_ + (Math.floor(i / every) % of)]);
    })];
  },
  move({ step, heap, out, operand, each, sizes }) { // nested loops over `sides`: from x in strides `by`, to place `to` in `strides`
    const size = sizes[step.out], { from, to } = (step.walk ??= walked(step, size)), x = operand("x", from.highest + 1);
    if (to.highest >= size) damaged();
    const { places: a, solid: plainly } = from, { places: b, solid } = to, n = a.length;
    if (plainly && solid) return [each((row) => { const start = x.at + row * x.by + a[0]; heap.f32.copyWithin(out + row * size + b[0], start, start + n); })];
    return [each((row) => {
      const f = heap.f32, start = x.at + row * x.by, end = out + row * size;
      for (let i = 0; i < n; i++) f[end + b[i]] = f[start + a[i]];
    })];
  },
  put(context) { return ordered(context, (f, from, to, order) => order.forEach((place, i) => { f[to + place] = f[from + i]; })); },
  take(context) { return ordered(context, (f, from, to, order) => order.forEach((place, i) => { f[to + i] = f[from + place]; })); },
  choose({ step, heap, out, operand, result, each, sizes }) { // y where x is not 0, else w
    const n = result(sizes[step.out]), [x, y, w] = ["x", "y", "w"].map((key) => operand(key, n));
    return [each((row) => {
      const f = heap.f32;
      for (let i = 0; i < n; i++) f[out + row * n + i] = f[x.at + row * x.by + i] ? f[y.at + row * y.by + i] : f[w.at + row * w.by + i];
    })];
  },
  norm(context) { return gathered(context, (v) => v * v, Math.sqrt); }, // Euclidean length of every `of` numbers
  sum(context) { return gathered(context, (v) => v, (sum) => sum); }, // of every `of` numbers
  fill({ heap, out, many, numbers, sizes, step }) {
    return [() => heap.f32.fill(numbers[0] ?? damaged(), out, out + sizes[step.out] * many)];
  },
};

function byTiles({ down, across, each, together, columns }, { k, dims, out, many, x, tiled, b, scratch, size }) {
  const [n, h, w, m, , , , , ph, pw, oh, ow] = dims, products = scratch + 36 * (n * columns + 16), sheet = products + 36 * (m * columns + 16), bias = b ? address(b.at) : 0;
  return () => {
    for (let row = 0; row < many; row += together) {
      const count = Math.min(together, many - row), used = Math.ceil((count * each) / 8) * 8;
      for (let i = 0; i < count; i++) k.tiles(address(x.at + (row + i) * x.by), address(scratch), address(sheet), i * each, used, n, h, w, ph, pw, down, across);
      for (let p = 0; p < 36; p++) k.gemm(address(tiled + p * n * m), address(scratch + p * (n * used + 16)), 0, address(products + p * (m * used + 16)), m, n, used);
      for (let i = 0; i < count; i++) k.untile(address(products), bias, address(out + (row + i) * size), i * each, used, m, oh, ow, down, across);
    }
  };
}

function gathered({ step, heap, out, operand, result, each, sizes }, of, made) {
  const n = result(sizes[step.out]), x = operand("x", n * step.of);
  return [each((row) => {
    const f = heap.f32;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < step.of; j++) sum += of(f[x.at + row * x.by + i * step.of + j]);
      f[out + row * n + i] = made(sum);
    }
  })];
}

function ordered({ step, heap, out, operand, result, each, sizes }, act) { // by whole numbers that stand in the weights
  const n = result(sizes[step.out]), x = operand("x", n), w = operand("w", n);
  let order = null;
  return [() => {
    order ??= Int32Array.from(heap.f32.subarray(w.at, w.at + n), (place) => (place >= 0 && place < n ? place : damaged()));
  }, each((row) => act(heap.f32, x.at + row * x.by, out + row * n, order))];
}

function walked({ x, sides, by, to, strides }, size) { // where nested loops come, at most once to each of `size` places
  const lists = [sides, by, strides];
  if (!lists.every((list) => Array.isArray(list) && list.length === lists[0]?.length && list.every(Number.isInteger))) damaged();
  if (!isCount(to) || !sides.every((side) => isCount(side) && side > 0) || product(sides) > size) damaged();
  const walk = (start, steps, before = 0) => {
    const ends = steps.map((step, axis) => (sides[axis] - 1) * step), sum = (a, b) => a + b;
    const highest = ends.filter((end) => end > 0).reduce(sum, start);
    const lowest = ends.filter((end) => end < 0).reduce(sum, start);
    if (!isCount(lowest + before) || !isCount(highest + before)) damaged();
    const places = new Int32Array(product(sides)).fill(start);
    for (let axis = sides.length - 1, count = 1; axis >= 0; count *= sides[axis--]) {
      for (let i = count; i < count * sides[axis]; i++) places[i] = places[i - count] + steps[axis];
    }
    return { places, highest, solid: places.every((place, i) => place === start + i) };
  };
  return { from: walk(0, by, Array.isArray(x) ? x[1] : 0), to: walk(to, strides) };
}

// The levels 0 to 255 of pixel means, as the server sends them.
export function toLevels(pixels) {
  const levels = new Uint8ClampedArray(pixels.length);
  for (let i = 0; i < pixels.length; i++) levels[i] = 255 * pixels[i]; // rounded and kept within 0 to 255 by the array
  return new Uint8Array(levels.buffer);
}
