// From strokes on a canvas to what MNIST would have made of them, as cvae/sketches/digits.py does, whose numbers these are:
//   const digit = prepared(ink, width, height); // ink 0 to 1, row by row -> Float32Array of 28 x 28; null without ink
// A picture between the steps is { width, height, data }, its data a Float32Array; sums are of the same kind and order there.

const BOX = 20, SIDE = 28, CENTRE = 14, TIE = 1e-4; // pixels; what lies between two pixels goes to the upper and the left one
const OUTLINE = Math.fround(0.4); // coverage from which a pixel counts for the bounding box
const THIN = 1.8, THICK = 5, MOST_ERODED = 0.6, FINE_SIDES = [80, 240];

export function prepared(ink, width, height) {
  const drawn = cropped({ width, height, data: new Float32Array(ink) });
  const usual = drawn && withUsualStrokes(drawn);
  return usual && centred(scaled(usual, BOX));
}

// A digit at another side, as torch resizes it: bilinear, areas weighted where it shrinks.
export function fitted(digit, side) {
  if (side === SIDE) return digit;
  const wide = along({ width: SIDE, height: SIDE, data: digit }, side, TRIANGLE, false);
  return along(wide, side, TRIANGLE, true).data.map((v) => limited(v, 0, 1));
}

const blank = (width, height) => ({ width, height, data: new Float32Array(width * height) });
const longest = (picture) => Math.max(picture.width, picture.height);
const limited = (v, low, high) => Math.max(low, Math.min(high, v));

function rounded(v) { // halves to the even number, as Python does
  const near = Math.round(v);
  return near - v === 0.5 && near % 2 ? near - 1 : near;
}

function cropped({ width, height, data }) {
  let top = height, bottom = -1, left = width, right = -1;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (data[i] <= OUTLINE) continue;
      if (y < top) top = y;
      if (x < left) left = x;
      if (x > right) right = x;
      bottom = y;
    }
  }
  if (bottom < 0) return null;
  const cut = blank(right - left + 1, bottom - top + 1);
  for (let y = top; y <= bottom; y++) cut.data.set(data.subarray(y * width + left, y * width + right + 1), (y - top) * cut.width);
  return cut;
}

// Strokes thickened or thinned to a width that MNIST has; most pass unchanged, and those too faint to be measured.
function withUsualStrokes(ink) {
  const fine = scaled(ink, limited(longest(ink), ...FINE_SIDES)), inside = { ...fine, data: fine.data.map((v) => Number(v > 0.5)) };
  const unit = longest(inside) / BOX, width = strokeWidth(inside) / unit;
  const target = Math.max(limited(width, THIN, THICK), MOST_ERODED * width);
  if (target === width || !width) return ink;
  const grow = (unit * (target - width)) / 2 / (1 - target / BOX); // the box grows with the strokes and is scaled back
  const wide = framed(inside, Math.trunc(Math.max(grow, 0)) + 2);
  const within = depth(wide), beyond = depth({ ...wide, data: wide.data.map((v) => 1 - v) });
  return cropped({ ...wide, data: within.map((v, i) => limited(v - beyond[i] + grow + 0.5, 0, 1)) });
}

function strokeWidth(inside) { // in pixels: in a long bar the mean depth is a quarter of it
  const sum = (numbers) => { let whole = 0; for (let i = 0; i < numbers.length; i++) whole += numbers[i]; return whole; };
  return (4 * sum(depth(framed(inside, 1)))) / Math.max(1, sum(inside.data));
}

function framed({ width, height, data }, margin) {
  const wide = blank(width + 2 * margin, height + 2 * margin);
  for (let y = 0; y < height; y++) wide.data.set(data.subarray(y * width, (y + 1) * width), (y + margin) * wide.width + margin);
  return wide;
}

// How far each inner pixel's centre is from the outline, and 0 outside; by Felzenszwalb and Huttenlocher (2012), column by column, then row by row.
function depth({ width, height, data }) {
  const squares = new Float64Array(data.length), envelope = makeEnvelope(Math.max(width, height));
  for (let i = 0; i < data.length; i++) squares[i] = data[i] ? FAR : 0;
  for (let x = 0; x < width; x++) envelope(squares, x, width, height);
  for (let y = 0; y < height; y++) envelope(squares, y * width, 1, width);
  const deep = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) deep[i] = Math.max(0, Math.fround(Math.sqrt(squares[i])) - 0.5);
  return deep;
}

const FAR = 1e12; // more than any square of a distance here

// Return what replaces each of `count` numbers f by the least of f(j) + (i - j)^2 over all j: the lower envelope of parabolas.
function makeEnvelope(most) {
  const f = new Float64Array(most), roots = new Int32Array(most), from = new Float64Array(most + 1); // a parabola, and where it takes over
  return (numbers, start, step, count) => {
    let last = -1;
    for (let i = 0; i < count; i++) {
      f[i] = numbers[start + i * step];
      let begins = -FAR;
      for (; last >= 0; last--) {
        const j = roots[last];
        begins = (f[i] + i * i - f[j] - j * j) / (2 * (i - j));
        if (begins > from[last]) break;
      }
      roots[++last] = i;
      from[last] = last ? begins : -Infinity;
    }
    from[last + 1] = Infinity;
    for (let i = 0, k = 0; i < count; i++) {
      while (from[k + 1] < i) k++;
      numbers[start + i * step] = f[roots[k]] + (i - roots[k]) ** 2;
    }
  };
}

// A box laid into 28 x 28 by its centre of mass, at the 256 levels of a picture.
function centred({ width, height, data }) {
  let mass = 0, y = 0, x = 0;
  data.forEach((v, i) => { mass += v; y += v * Math.floor(i / width); x += v * (i % width); });
  const [top, left] = [[y, height], [x, width]].map(([sum, side]) => limited(rounded(CENTRE - sum / mass - TIE), 0, SIDE - side));
  const digit = new Float32Array(SIDE * SIDE);
  data.forEach((v, i) => { digit[(top + Math.floor(i / width)) * SIDE + left + (i % width)] = Math.floor(255 * v + 0.5) / 255; });
  return digit;
}

// Sizes, as Pillow changes them: areas averaged where a picture shrinks, bicubic and within its own range where it grows.

function scaled(picture, side) {
  if (longest(picture) === side) return picture;
  const [width, height] = [picture.width, picture.height].map((s) => Math.max(1, rounded(s * (side / longest(picture)))));
  const filter = height < picture.height ? AREA : BICUBIC;
  let low = Infinity, high = -Infinity;
  picture.data.forEach((v) => { if (v < low) low = v; if (v > high) high = v; });
  const wide = width === picture.width ? picture : along(picture, width, filter, false);
  const made = height === picture.height ? wide : along(wide, height, filter, true);
  return { ...made, data: made.data.map((v) => limited(v, low, high)) };
}

const AREA = { support: 0.5, of: (x) => Number(x > -0.5 && x <= 0.5) };
const TRIANGLE = { support: 1, of: (x) => Math.max(0, 1 - Math.abs(x)) };
const BICUBIC = {
  support: 2,
  of(x) {
    const a = -0.5, d = Math.abs(x);
    if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
  },
};

function along({ width, height, data }, side, filter, down) { // resized along one axis
  const made = down ? blank(width, side) : blank(side, height), [n, lines] = down ? [height, width] : [width, height];
  const [step, across, step_, across_] = down ? [width, 1, width, 1] : [1, width, 1, side];
  weights(n, side, filter).forEach(({ first, shares }, i) => {
    const count = shares.length;
    for (let line = 0; line < lines; line++) {
      let sum = 0;
      for (let k = 0; k < count; k++) sum += data[(first + k) * step + line * across] * shares[k];
      made.data[i * step_ + line * across_] = sum;
    }
  });
  return made;
}

// For each of `side` pixels the first of the n that it is made of, and their shares.
function weights(n, side, { support, of }) {
  const scale = n / side, wide = Math.max(scale, 1);
  return Array.from({ length: side }, (_, i) => {
    const middle = (i + 0.5) * scale, first = Math.max(0, Math.trunc(middle - support * wide + 0.5));
    const end = Math.min(n, Math.trunc(middle + support * wide + 0.5)); // rounded as there, because ties are frequent
    const shares = Array.from({ length: end - first }, (_, k) => of((k + first - middle + 0.5) * (1 / wide)));
    const whole = shares.reduce((a, b) => a + b, 0);
    return { first, shares: shares.map((v) => (whole ? v / whole : v)) };
  });
}
