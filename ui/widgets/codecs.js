// What goes through an address or a message as text; Python's side is ui/shell/codecs.py, and ui/shell/link.py for points.

export const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// base64url without its padding
export const toText = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
export const fromText = (text) => fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));

// The same of zlib-compressed bytes; nothing for nothing.
const through = async (bytes, stream) => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
export const deflate = async (bytes) => (bytes.length ? toText(await through(bytes, new CompressionStream("deflate"))) : "");
export const inflate = async (text) => (text ? through(fromText(text), new DecompressionStream("deflate")) : new Uint8Array());

// A point of latent space as little-endian float16. The numbers of this lattice survive that.
const LATTICE = 256, LIMIT = 8 - 1 / LATTICE;
export const snap = (v) => Math.max(-LIMIT, Math.min(LIMIT, Math.round(v * LATTICE) / LATTICE));
const half = (v) => {
  if (!v) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(v)));
  return (v < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | ((Math.abs(v) / 2 ** exponent - 1) * 1024);
};
export const packPoint = (z) => toText(z.map(half).flatMap((h) => [h & 255, h >> 8]));

// Bits, the first of each byte its highest, and the places of those that are set.
export function packBits(places, n) {
  const bytes = new Uint8Array(Math.ceil(n / 8));
  for (const place of places) bytes[place >> 3] |= 128 >> (place & 7);
  return bytes;
}
export function unpackBits(bytes) {
  const places = [];
  bytes.forEach((byte, i) => { for (let k = 0; k < 8; k++) if (byte & (128 >> k)) places.push(8 * i + k); });
  return places;
}
