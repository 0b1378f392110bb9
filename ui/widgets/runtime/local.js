// The models that this page runs itself (cvae/browser/runtime.js). What that takes is fetched once, after the first
// picture, from addresses that the browser keeps for ever (ui/shell/programs.py). Until it is there the server decodes.

const HELD = 4; // models in memory
const LATER = 5000; // ms after which something that is being made, or was out of reach, is asked for again
// of all controls of the page, each of which is a module of its own
const held = (globalThis.__localModels ??= new Map()), said = (globalThis.__localNotes ??= new Set());
const idle = () => new Promise((done) => (globalThis.requestIdleCallback ?? setTimeout)(done));

// What this page has of a model: `model` to run, null at first; `note`, one sentence where it will stay null; `begin()`,
// which fetches it, once; `fail(error)`, after which the server decodes. `version` changes with the weights.
export function localModel(base, name, version) {
  const key = [base, name, version].join(" ");
  const entry = held.get(key) ?? makeEntry(base, name);
  held.delete(key);
  held.set(key, entry); // the last one is the one used last
  for (const old of [...held.keys()].slice(0, -HELD)) held.delete(old);
  return entry;
}

function makeEntry(base, name) {
  let begun = false;
  const entry = {
    model: null,
    note: "",
    begin() {
      if (begun) return;
      begun = true;
      fetchModel(base, name).then((made) => {
        if (made === null) setTimeout(() => { begun = false; }, LATER);
        else entry.model = made;
      }, entry.fail);
    },
    fail(error) { // a Refusal is a sentence for the visitor; anything else is our own fault, or the browser's
      entry.model = null;
      const reason = error.name === "Refusal" ? error.message : `This browser could not run ${name} itself.`;
      entry.note = `${reason} The server decodes instead.`;
      if (!said.has(entry.note)) console.info(entry.note);
      said.add(entry.note);
    },
  };
  return entry;
}

const refuse = (sentence) => { throw Object.assign(new Error(sentence), { name: "Refusal" }); };

// Return a model that has been run once; null where nothing answers just now.
async function fetchModel(base, name) {
  const reply = await fetch(`${base}/api/program?model=${encodeURIComponent(name)}`).catch(() => null);
  if (reply?.status === 400) refuse(await reply.text());
  const isKnown = reply?.status === 200 && reply.headers.get("Content-Type")?.startsWith("application/json");
  if (!isKnown) return null; // it is being made, or this server has no such route
  if (!globalThis.WebAssembly) refuse("This browser has no WebAssembly.");
  const files = await reply.json();
  const where = (file) => new URL(`${base}/api/kept/${file}`, location.href).href;
  const wanted = [import(where(files.runtime)), ...["program", "weights", "kernel"].map((key) => fetchContent(where(files[key])))];
  const [code, program, weights, kernel] = await Promise.all(wanted).catch(() => []);
  if (!(code && program && weights && kernel)) return null;
  await idle();
  const model = await code.load(new TextDecoder().decode(program), weights, kernel);
  await idle();
  const made = { ...model, toLevels: code.toLevels, module: (key) => import(where(files[key])) };
  const { parts, latent } = made.program;
  if (parts.decoder && !parts.decoder.inputs.x) decode(made, new Float32Array(latent), [0]); // the first time takes longest
  return made;
}

async function fetchContent(address) {
  const reply = await fetch(address, { priority: "low" });
  return reply.ok ? reply.arrayBuffer() : null;
}

// Return the pixels at point z for each of these labels, or for none, as /api/decode sends them: uint8, row by row.
export function decode(model, z, labels) {
  const { classes, image: [channels, height, width] } = model.program;
  const inputs = classes ? { u: z, c: oneHot(labels, classes) } : { u: z };
  const levels = model.toLevels(model.run("decoder", inputs).pixels);
  return channels === 1 ? levels : interleaved(levels, channels, height * width);
}

export function oneHot(labels, classes) {
  const rows = new Float32Array(labels.length * classes);
  labels.forEach((label, i) => { rows[i * classes + label] = 1; });
  return rows;
}

function interleaved(planes, channels, area) { // from channel by channel
  const pixels = new Uint8Array(planes.length);
  for (let start = 0; start < planes.length; start += channels * area) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < area; i++) pixels[start + i * channels + c] = planes[start + c * area + i];
    }
  }
  return pixels;
}
