// The visitor's hand: a board, and pictures that follow every move of the pen.

import { makeAsker } from "../asker.js";
import { mount, writeAddress } from "../bridge.js";
import { deflate, fromText } from "../codecs.js";
import { MODES, makeBoard } from "./board.js";
import { makeHere } from "./here.js";
import { makePictures } from "./pictures.js";

const NAMES = { see: "Drawing", reconstruct: "Reconstruction", denoise: "Cleaning", inpaint: "Completions" }; // for *Save*

function create(root, host) {
  const frame = root.querySelector(".sketch"), status = root.querySelector(".status");
  const pictures = makePictures(root);
  // known: the last bits that Python and this page agreed on; inscribed: the last that the address got here, where
  // Python may read them before it is told; asked: the question whose answer is shown or on its way
  const state = { data: null, board: null, bits: "", known: "", inscribed: null, asked: "" };
  const { inscribe, tell } = makeTelling(state, root, host), here = makeHere(state);

  const asker = makeAsker({
    address: () => address(state),
    here,
    tell: () => tell(true),
    show: ({ pixels, about }) => {
      const { data, board, bits } = state;
      if (!pictures.fits(pixels) || (board && !bits)) return;
      pictures.show(pixels, about.notes);
      pictures.showBars(data.scores && data.bits === bits ? data.scores : about.scores); // Python's careful ones stay
      frame.dataset.shown = String(Number(frame.dataset.shown ?? 0) + 1);
      frame.classList.remove("empty");
    },
    report: (text, note = "") => {
      if (text) state.asked = ""; // it may be asked again
      if (!frame.classList.contains("empty") || text) status.textContent = text || note;
      if (text) frame.classList.add("empty"); // what is shown belongs to another picture
    },
  });

  async function ask() { // an empty pad has no pictures; it says what to do instead
    if (!state.board || state.bits) {
      const wanted = address(state);
      if (wanted === state.asked) return asker.done(); // lifting the pen seldom changes what is drawn
      state.asked = wanted;
      return asker.ask();
    }
    state.asked = "";
    asker.drop(); // what waits behind a running question would ask about the empty pad
    frame.classList.add("empty");
    status.textContent = state.data.empty;
    here.entry()?.begin(); // in time for the first stroke
  }

  function settle(answered) { // the address at once, in case of a reload; then the picture, then the rest
    inscribe();
    answered.then(() => root.isConnected && state.bits !== state.known && tell(asker.routeless()));
  }

  const update = makeUpdate(state, root, pictures, { ask, settle });
  return { update, hear: asker.hear };
}

function address({ data, board, bits }) {
  const query = new URLSearchParams(data.query);
  if (board) query.set(data.mode === "ink" ? "bits" : "hole", bits);
  return `${data.base}/api/sketch?${query}`;
}

function makeTelling(state, root, host) {
  async function inscribe() {
    const made = state.bits, short = await deflate(fromText(made));
    if (!state.board || !root.isConnected) return short; // another page's address is none of its business
    state.inscribed = made;
    writeAddress({ [state.data.mode]: short });
    return short;
  }

  async function tell(ask) { // ask: Python is to send the pictures too
    const number = host.next(), { bits } = state;
    state.known = bits;
    return host.send("drawn", { bits, short: await inscribe(), ask }, number);
  }

  return { inscribe, tell };
}

function makeUpdate(state, root, pictures, { ask, settle }) {
  const frame = root.querySelector(".sketch"), boardBox = root.querySelector(".board");

  function layBoard() { // of this mode; none where the page has no pad
    const { data } = state;
    frame.dataset.mode = data.mode;
    boardBox.replaceChildren();
    state.board = MODES[data.mode] ? makeBoard(boardBox, data, (finished) => {
      state.bits = state.board.bits();
      const answered = ask();
      if (finished) settle(answered);
    }) : null;
  }

  function load(fresh) { // Python's bitmap, on a board that may be fresh
    const { data, board } = state;
    state.known = data.bits;
    state.inscribed = null;
    board.load(data.bits, data.named, fresh, data.sample);
    state.bits = board.bits();
  }

  return function update(data, differs) {
    state.data = data;
    frame.dataset.save = NAMES[data.query.task];
    if (differs("captions", "labels", "columns", "side")) {
      state.asked = "";
      pictures.lay(data);
    }
    const remade = differs("mode", "label", "side");
    if (remade) layBoard();
    if (state.board && (remade || differs("background"))) state.board.underlay(data.background);
    if (data.bits === state.inscribed) state.known = state.inscribed;
    const elsewhere = remade || data.bits !== state.known; // Python chose another bitmap
    if (state.board && elsewhere) load(remade);
    if (state.bits !== state.known && elsewhere) settle(ask());
    else if (elsewhere || differs("query", "captions", "empty", "side")) ask();
    else if (data.scores && differs("scores")) pictures.showBars(data.scores);
  };
}

export default mount("sketch", create);
