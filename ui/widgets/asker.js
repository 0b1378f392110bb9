// Who makes the pictures of a control: this page itself where it has the model, else the server.

import { fromBase64 } from "./codecs.js";

const SLOW = 250, OFTEN = 3; // ms of one answer, and how many of them in a row are too slow for this page
const BUSY = [429, 502, 503, 504]; // of a server, or a proxy before it, that has computed nothing

// Ask for pixels: show({pixels, about}) gets those of the latest question, report() one line for the visitor.
// `here`, which may be missing, is {entry(): what localModel gives, answer(model)}: with a model the page answers within
// the frame, unless that answer is null. Else the server does, one question at a time; whatever happened meanwhile is
// asked next, only the latest. The route at address() answers; where it does not exist, Python does, after tell() has
// sent it the question. What is drawn stays while a busy server has no answer; then the latest question is asked again.
export function makeAsker({ address, tell, show, report, here = null }) {
  const server = makeServer({ address, tell });
  let running = null, again = false, outdated = false, dropped = false, frame = null, slow = 0;
  const entry = () => (slow < OFTEN && here?.entry()) || null;

  function ask() { // resolves when the latest question has been answered
    dropped = false;
    if (!entry()?.model) return askAway();
    again = false;
    outdated = running !== null; // what the server still answers is older
    return (frame ??= new Promise((done) => requestAnimationFrame(() => done(askHere()))));
  }

  function askAway() {
    again = true;
    return (running ??= askServer());
  }

  function askHere() {
    frame = null;
    const { model, fail } = entry() ?? {}, begin = performance.now();
    if (!model) return ask();
    let answer;
    try { answer = here.answer(model); } catch (error) { fail(error); return ask(); }
    if (!answer) return askAway();
    slow = performance.now() - begin > SLOW ? slow + 1 : 0;
    show(answer);
    report("");
  }

  async function askServer() {
    while (again) {
      again = false;
      let text = "", answer = null;
      try { answer = await server.answer(); } catch (error) { text = error.message; }
      if (answer?.wait) {
        await new Promise((done) => setTimeout(done, answer.wait));
        again ||= !dropped && !outdated;
        outdated = false;
        continue;
      }
      if (!outdated && answer) show(answer);
      if (!outdated) report(text, entry()?.note);
      outdated = false;
      entry()?.begin();
    }
    running = null;
  }

  const drop = () => { [again, dropped] = [false, true]; };
  const routeless = () => server.routeless() && !entry()?.model;
  return { ask, drop, done: () => running ?? frame ?? Promise.resolve(), hear: server.hear, routeless };
}

function makeServer({ address, tell }) {
  let routeless = false, answer = null;
  const headers = { "X-Client": Array.from(crypto.getRandomValues(new Uint32Array(4))).join("-") };

  async function viaRoute() {
    const reply = await fetch(address(), { headers }).catch(() => null); // null: no connection just now
    if (reply?.status === 400) throw new Error(await reply.text());
    if (BUSY.includes(reply?.status)) return { wait: 1000 * (Number(reply.headers.get("Retry-After")) || 1) };
    routeless = reply !== null && reply.headers.get("Content-Type") !== "application/octet-stream";
    if (reply === null || routeless) return null;
    const about = JSON.parse(reply.headers.get("X-About") ?? "null");
    return { pixels: new Uint8Array(await reply.arrayBuffer()), about };
  }

  async function viaPython() {
    const number = await tell();
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(new Error("The server does not answer. Reload the page to try again."));
      const patience = setTimeout(giveUp, 5000);
      answer = (fresh) => {
        if (fresh.sequence !== number || !(fresh.pixels || fresh.problem)) return;
        clearTimeout(patience);
        answer = null;
        if (fresh.problem) reject(new Error(fresh.problem));
        else resolve({ pixels: fromBase64(fresh.pixels), about: fresh.about });
      };
    });
  }

  return {
    answer: async () => (routeless ? null : await viaRoute()) ?? (await viaPython()),
    hear: (fresh) => answer?.(fresh),
    routeless: () => routeless,
  };
}
