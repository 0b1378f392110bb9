// The way through the points to take along: a GIF that the server makes, a film that this browser records, a strip.

import { button, element } from "../shared.js";
import { paintSheet, sheetSize } from "./frames.js";

const SECONDS = 4, RATE = 25, SIDE = 512; // of a film; pixels of its width
const STRIP = 12, MOST = 48, LOW = 112; // steps of a strip from each point to the next, and in all; the least height
const FILMS = [["WebM", "webm", ["video/webm;codecs=vp9", "video/webm"]], ["MP4", "mp4", ["video/mp4;codecs=avc1.42E01F", "video/mp4"]]];

export function makeCarrying({ get, run, frames, text, say }) {
  let busy = false;
  const each = async (places) => {
    const made = [];
    for (const place of places) made.push(await frames.get(run.at(place)));
    return made;
  };
  const whenFree = (says, work) => async () => {
    if (busy) return;
    busy = true;
    say(says);
    try { await work(); say(""); } catch (error) { say(error.message); }
    busy = false;
  };
  const save = (blob, ending) => {
    const link = element("a", { href: URL.createObjectURL(blob), download: `${get().model}-way.${ending}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const gif = async () => {
    const { base, model } = get();
    const reply = await fetch(`${base}/api/run?model=${encodeURIComponent(model)}&shelf=${encodeURIComponent(text())}`).catch(() => null);
    if (reply?.status === 400) throw new Error(await reply.text());
    if (reply?.headers.get("Content-Type") !== "image/gif") throw new Error("The server makes no GIF just now. Press again in a moment.");
    save(await reply.blob(), "gif");
  };
  const film = (type, ending) => async () => save(await recorded(await each(run.places(SECONDS * RATE)), type, get()), ending);
  const strip = async () => {
    const count = Math.min(MOST, STRIP * run.legs());
    save(await joined(await each(Array.from({ length: count + 1 }, (_, i) => i / count)), get()), "png");
  };
  const films = FILMS.flatMap(([name, ending, types]) => {
    const type = canRecord() && types.find((wanted) => MediaRecorder.isTypeSupported(wanted));
    return type ? [button(name, whenFree(`Recording ${SECONDS} seconds.`, film(type, ending)), { title: `A film of ${SECONDS} seconds` })] : [];
  });
  return [
    button("GIF", whenFree("The server makes the GIF.", gif), { title: `An animated picture of ${SECONDS} seconds` }), ...films,
    button("Strip (PNG)", whenFree("Making the strip.", strip), { title: "Pictures on the way side by side" }),
  ];
}

const canRecord = () => Boolean(globalThis.MediaRecorder && HTMLCanvasElement.prototype.captureStream);

function enlarger(data, width) { // a canvas, and what puts pixels on it
  const small = element("canvas", sheetSize(data)), height = 2 * Math.round((width * small.height) / small.width / 2);
  const large = element("canvas", { width, height }), paper = large.getContext("2d");
  paper.imageSmoothingEnabled = data.shape[0] === 3;
  const put = (pixels, x = 0) => {
    paintSheet(small, pixels, data);
    paper.drawImage(small, x, 0, width, height);
  };
  return { large, put };
}

async function recorded(pictures, mimeType, data) {
  const { large, put } = enlarger(data, SIDE), parts = [];
  put(pictures[0]);
  const recorder = new MediaRecorder(large.captureStream(RATE), { mimeType, videoBitsPerSecond: 4e6 });
  recorder.ondataavailable = ({ data: part }) => parts.push(part);
  const ended = new Promise((done) => { recorder.onstop = done; });
  recorder.start();
  const begin = performance.now();
  for (let i = 0; i < pictures.length; i++) {
    put(pictures[i]);
    await new Promise((done) => setTimeout(done, begin + (1000 * (i + 1)) / RATE - performance.now()));
  }
  recorder.stop();
  await ended;
  return new Blob(parts, { type: mimeType.split(";")[0] });
}

function joined(pictures, data) { // side by side
  const { width, height } = sheetSize(data), scale = Math.max(1, Math.ceil(LOW / height)), wide = width * scale;
  const { large, put } = enlarger(data, wide);
  const sheet = element("canvas", { width: wide * pictures.length, height: large.height }), paper = sheet.getContext("2d");
  pictures.forEach((pixels, i) => { put(pixels); paper.drawImage(large, i * wide, 0); });
  return new Promise((done) => sheet.toBlob(done, "image/png"));
}
