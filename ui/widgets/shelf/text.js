// The shelf as the text of an address, which ui/shell/shelf.py reads.

import { packPoint, snap, toText } from "../codecs.js";

const FINE = 64, COARSE = 16; // coordinates up to which they are as in other addresses; else so many steps make one
const isFine = (z) => z.length <= FINE;

// The point as the address will hold it.
export const exact = (z) => z.map((v) => (isFine(z) ? snap(v) : Math.max(-127, Math.min(127, Math.round(v * COARSE))) / COARSE));

const packed = (z) => (isFine(z) ? packPoint(z) : toText(z.map((v) => (v * COARSE) & 255)));

export function packShelf(settings, kept) { // kept: [{z, label, name}]; empty text for none
  const each = kept.map(({ z, label, name }) => `${label ?? ""}.${packed(z)}.${toText(new TextEncoder().encode(name))}`);
  return each.length ? [settings, ...each].join("~") : "";
}
