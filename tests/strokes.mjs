// Prepares drawings in node: node tests/strokes.mjs DIGITS.JS < [[ink, width, height, side = 28], ...], bytes 0 to 255 as base64 -> [pixels or null].
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { fitted, prepared } = await import(pathToFileURL(process.argv[2]));
const digits = JSON.parse(readFileSync(0, "utf8")).map(([ink, width, height, side = 28]) => {
  const digit = prepared(Float32Array.from(Buffer.from(ink, "base64"), (v) => v / 255), width, height);
  return digit && Array.from(fitted(digit, side), (v) => Math.round(255 * v));
});
process.stdout.write(JSON.stringify(digits));
