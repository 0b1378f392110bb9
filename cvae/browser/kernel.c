// What takes most of a decode's time, in WebAssembly with 128-bit SIMD. All arrays are float32, row by row.
// runtime.js has the same functions in plain JavaScript, for browsers without. Built by `make kernel`.
// n is rounded up to a multiple of 4 where a comment says "padded": what lies behind an array may be overwritten up to there.
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name)))
typedef v128_t v4;
#define LOAD wasm_v128_load
#define STORE wasm_v128_store
#define SPLAT wasm_f32x4_splat
#define ADD wasm_f32x4_add
#define SUB wasm_f32x4_sub
#define MUL wasm_f32x4_mul

// c (m, n) = bias (m) + a (m, k) times b, whose n columns come in panels of 8: b (n / 8, k, 8).
EXPORT(gemm) void gemm(const float *a, const float *b, const float *bias, float *c, int m, int k, int n) {
  for (int j = 0; j < n; j += 8) { // a panel stays in the nearest cache while the rows of a pass by
    for (int i = 0; i < m; i += 4) {
      const float *a0 = a + i * k, *a1 = i + 1 < m ? a0 + k : a0, *a2 = i + 2 < m ? a0 + 2 * k : a0, *a3 = i + 3 < m ? a0 + 3 * k : a0;
      const float *p = b + j * k;
      int rows = m - i < 4 ? m - i : 4;
      v4 s[8];
      for (int r = 0; r < 4; r++) s[2 * r] = s[2 * r + 1] = SPLAT(bias && r < rows ? bias[i + r] : 0);
      for (int q = 0; q < k; q++, p += 8) {
        v4 u = LOAD(p), v = LOAD(p + 4), w;
        w = wasm_v128_load32_splat(a0 + q); s[0] = ADD(s[0], MUL(w, u)); s[1] = ADD(s[1], MUL(w, v));
        w = wasm_v128_load32_splat(a1 + q); s[2] = ADD(s[2], MUL(w, u)); s[3] = ADD(s[3], MUL(w, v));
        w = wasm_v128_load32_splat(a2 + q); s[4] = ADD(s[4], MUL(w, u)); s[5] = ADD(s[5], MUL(w, v));
        w = wasm_v128_load32_splat(a3 + q); s[6] = ADD(s[6], MUL(w, u)); s[7] = ADD(s[7], MUL(w, v));
      }
      float *to = c + i * n + j;
      for (int r = 0; r < rows; r++, to += n) {
        if (j + 8 <= n) {
          STORE(to, s[2 * r]);
          STORE(to + 4, s[2 * r + 1]);
        } else {
          for (int t = 0; j + t < n; t++) to[t] = ((float *)(s + 2 * r))[t];
        }
      }
    }
  }
}

static float sum(v4 s) {
  return (wasm_f32x4_extract_lane(s, 0) + wasm_f32x4_extract_lane(s, 1)) + (wasm_f32x4_extract_lane(s, 2) + wasm_f32x4_extract_lane(s, 3));
}

// y (m) = bias (m) + a (m, k) times x (k).
EXPORT(gemv) void gemv(const float *a, const float *x, const float *bias, float *y, int m, int k) {
  int whole = k & ~3;
  for (int i = 0; i < m; i += 4) {
    const float *a0 = a + i * k, *a1 = i + 1 < m ? a0 + k : a0, *a2 = i + 2 < m ? a0 + 2 * k : a0, *a3 = i + 3 < m ? a0 + 3 * k : a0;
    v4 s0 = SPLAT(0), s1 = s0, s2 = s0, s3 = s0;
    for (int q = 0; q < whole; q += 4) {
      v4 v = LOAD(x + q);
      s0 = ADD(s0, MUL(LOAD(a0 + q), v));
      s1 = ADD(s1, MUL(LOAD(a1 + q), v));
      s2 = ADD(s2, MUL(LOAD(a2 + q), v));
      s3 = ADD(s3, MUL(LOAD(a3 + q), v));
    }
    float t[4] = {sum(s0), sum(s1), sum(s2), sum(s3)};
    for (int q = whole; q < k; q++) t[0] += a0[q] * x[q], t[1] += a1[q] * x[q], t[2] += a2[q] * x[q], t[3] += a3[q] * x[q];
    for (int r = 0; r < 4 && i + r < m; r++) y[i + r] = t[r] + (bias ? bias[i + r] : 0);
  }
}

// The patches of x (channels, h, w) under a kernel as oh ow columns in panels for gemm, (.., channels kh kw, 8); 0 where
// a patch reaches outside.
#define PUT(value) do { out[t] = value; if (++t == 8) t = 0, out += rows * 8; } while (0)
EXPORT(unfold) void unfold(const float *x, float *to, int channels, int h, int w, int kh, int kw, int sh, int sw, int ph, int pw, int oh, int ow) {
  int rows = channels * kh * kw;
  for (int c = 0, row = 0; c < channels; c++, x += h * w)
    for (int ky = 0; ky < kh; ky++)
      for (int kx = 0; kx < kw; kx++, row++) {
        float *out = to + row * 8;
        int t = 0;
        for (int oy = 0; oy < oh; oy++) {
          int iy = oy * sh - ph + ky, ox = 0, ix = kx - pw;
          const float *line = x + iy * w;
          if (iy >= 0 && iy < h) {
            for (; ox < ow && ix < 0; ox++, ix += sw) PUT(0);
            for (; ox < ow && ix < w; ox++, ix += sw) PUT(line[ix]);
          }
          for (; ox < ow; ox++) PUT(0);
        }
      }
}

// A 3x3 convolution of stride 1 by tiles of 4x4 pixels (Winograd; Lavin and Gray 2016): each tile, with what lies around it
// 6x6 numbers, becomes 36 others of which each is a product by itself, so a pixel takes a quarter of the multiplications.
// `tiles` makes them of x, 36 sets of panels for gemm (36, columns / 8, channels, 8) from column `start` on; `untile` makes
// the pixels y (channels, oh, ow) of the 36 products c (36, channels, columns). Tiles come by fours, the last one again; `sheet`
// is room for one channel with what lies around it, (4 down + 2, 4 across + 2) and a little more. Between the 36 there is a
// gap of 16 numbers: they would else lie so far apart that few of them fit into the nearest cache together.
static inline v4 times(float k, v4 x) { return MUL(SPLAT(k), x); }

static void spread6(v4 *d, int by) {
  v4 a = d[0], b = d[by], c = d[2 * by], e = d[3 * by], f = d[4 * by], g = d[5 * by];
  v4 far = SUB(f, times(4, c)), near = SUB(e, times(4, b)), half = SUB(f, c), twice = times(2, SUB(e, b));
  d[0] = ADD(SUB(times(4, a), times(5, c)), f);
  d[by] = ADD(far, near);
  d[2 * by] = SUB(far, near);
  d[3 * by] = ADD(half, twice);
  d[4 * by] = SUB(half, twice);
  d[5 * by] = ADD(SUB(times(4, b), times(5, e)), g);
}

static void gather6(v4 *d, int by) {
  v4 sum = ADD(d[by], d[2 * by]), apart = SUB(d[by], d[2 * by]), more = ADD(d[3 * by], d[4 * by]), twice = times(2, SUB(d[3 * by], d[4 * by]));
  d[0] = ADD(ADD(d[0], sum), more);
  d[by] = ADD(apart, twice);
  d[2 * by] = ADD(sum, times(4, more));
  d[3 * by] = ADD(ADD(apart, times(4, twice)), d[5 * by]);
}

static void turn(v4 *a, v4 *out) { // rows become columns
  v4 b = wasm_i32x4_shuffle(a[0], a[1], 0, 4, 1, 5), c = wasm_i32x4_shuffle(a[0], a[1], 2, 6, 3, 7);
  v4 d = wasm_i32x4_shuffle(a[2], a[3], 0, 4, 1, 5), e = wasm_i32x4_shuffle(a[2], a[3], 2, 6, 3, 7);
  out[0] = wasm_i64x2_shuffle(b, d, 0, 2);
  out[1] = wasm_i64x2_shuffle(b, d, 1, 3);
  out[2] = wasm_i64x2_shuffle(c, e, 0, 2);
  out[3] = wasm_i64x2_shuffle(c, e, 1, 3);
}

EXPORT(tiles) void tiles(const float *x, float *to, float *sheet, int start, int columns, int channels, int h, int w, int ph, int pw, int down, int across) {
  int wide = 4 * across + 2, high = 4 * down + 2, count = down * across;
  for (int i = 0; i < wide * high; i++) sheet[i] = 0;
  for (int c = 0; c < channels; c++) {
    for (int i = 0; i < h && i + ph < high; i++)
      for (int j = 0; j < w && j + pw < wide; j++) sheet[(i + ph) * wide + j + pw] = *(x + c * h * w + i * w + j);
    for (int t = 0; t < count; t += 4) {
      v4 d[38], four[4];
      const float *from[4];
      for (int lane = 0; lane < 4; lane++) {
        int tile = t + lane < count ? t + lane : count - 1;
        from[lane] = sheet + tile / across * 4 * wide + tile % across * 4;
      }
      for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j += 4) { // what comes behind the sixth is overwritten by the next row
          for (int lane = 0; lane < 4; lane++) four[lane] = LOAD(from[lane] + i * wide + j);
          turn(four, d + 6 * i + j);
        }
      for (int i = 0; i < 6; i++) spread6(d + i, 6);
      for (int i = 0; i < 6; i++) spread6(d + 6 * i, 1);
      float *out = to + (((start + t) >> 3) * channels + c) * 8 + ((start + t) & 7);
      for (int p = 0; p < 36; p++, out += channels * columns + 16) STORE(out, d[p]);
    }
  }
}

EXPORT(untile) void untile(const float *c, const float *bias, float *y, int start, int columns, int channels, int oh, int ow, int down, int across) {
  int count = down * across;
  for (int m = 0; m < channels; m++, y += oh * ow)
    for (int t = 0; t < count; t += 4) {
      v4 d[36], four[4], first = SPLAT(bias ? bias[m] : 0);
      const float *in = c + m * columns + start + t;
      for (int p = 0; p < 36; p++, in += channels * columns + 16) d[p] = LOAD(in);
      for (int i = 0; i < 6; i++) gather6(d + i, 6);
      for (int i = 0; i < 4; i++) {
        gather6(d + 6 * i, 1);
        turn(d + 6 * i, four);
        for (int lane = 0; lane < 4 && t + lane < count; lane++) {
          int top = (t + lane) / across * 4 + i, left = (t + lane) % across * 4, n = ow - left;
          float *to = y + top * ow + left;
          v4 line = ADD(four[lane], first);
          if (top >= oh) continue;
          if (n >= 4) STORE(to, line);
          else for (int j = 0; j < n; j++) to[j] = ((float *)&line)[j];
        }
      }
    }
}

// Columns (channels kh kw, h w) of a transposed convolution, each added where it belongs in y (channels, oh, ow), above the bias.
EXPORT(fold) void fold(const float *columns, const float *bias, float *y, int channels, int h, int w, int kh, int kw, int sh, int sw, int ph, int pw, int oh, int ow) {
  for (int c = 0; c < channels; c++, y += oh * ow) {
    float start = bias ? bias[c] : 0;
    for (int i = 0; i < oh * ow; i++) y[i] = start;
    for (int ky = 0; ky < kh; ky++)
      for (int kx = 0; kx < kw; kx++)
        for (int iy = 0; iy < h; iy++, columns += w) {
          int oy = iy * sh - ph + ky;
          if (oy < 0 || oy >= oh) continue;
          for (int ix = 0, ox = kx - pw; ix < w; ix++, ox += sw)
            if (ox >= 0 && ox < ow) y[oy * ow + ox] += columns[ix];
        }
  }
}

// e^x within 2 units in the last place (Cephes' expf), x kept within what float32 can hold.
static inline v4 exponential(v4 x) {
  x = wasm_f32x4_pmin(SPLAT(88.0f), wasm_f32x4_pmax(SPLAT(-87.0f), x));
  v4 n = wasm_f32x4_nearest(MUL(x, SPLAT(1.44269504088896341f)));
  x = SUB(SUB(x, MUL(n, SPLAT(0.693359375f))), MUL(n, SPLAT(-2.12194440e-4f)));
  v4 y = SPLAT(1.9875691500e-4f);
  y = ADD(MUL(y, x), SPLAT(1.3981999507e-3f));
  y = ADD(MUL(y, x), SPLAT(8.3334519073e-3f));
  y = ADD(MUL(y, x), SPLAT(4.1665795894e-2f));
  y = ADD(MUL(y, x), SPLAT(1.6666665459e-1f));
  y = ADD(MUL(y, x), SPLAT(5.0000001201e-1f));
  y = ADD(ADD(MUL(y, MUL(x, x)), x), SPLAT(1));
  return MUL(y, wasm_i32x4_shl(wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(n), wasm_i32x4_splat(127)), 23));
}

// y (n) = f of x (n), padded; x may be y. p and q are what f needs: 4 affine p x + q, 5 clamp to [p, q].
EXPORT(map) void map(int f, const float *x, float *y, int n, float p, float q) {
  v4 one = SPLAT(1), zero = SPLAT(0), a = SPLAT(p), b = SPLAT(q);
#define EACH(value) for (int i = 0; i < n; i += 4) { v4 v = LOAD(x + i); STORE(y + i, value); } break
  switch (f) {
    case 0: EACH(wasm_f32x4_div(v, ADD(one, exponential(wasm_f32x4_neg(v)))));
    case 1: EACH(wasm_f32x4_max(zero, v));
    case 2: EACH(wasm_f32x4_div(one, ADD(one, exponential(wasm_f32x4_neg(v)))));
    case 3: EACH(exponential(v));
    case 4: EACH(ADD(MUL(v, a), b));
    case 5: EACH(wasm_f32x4_max(a, wasm_f32x4_min(b, v)));
  }
}

// z (n) = x (n) and y (n) joined: 0 add, 1 sub, 2 mul; padded; z may be x or y.
EXPORT(join) void join(int f, const float *x, const float *y, float *z, int n) {
#define BOTH(op) for (int i = 0; i < n; i += 4) STORE(z + i, op(LOAD(x + i), LOAD(y + i))); break
  switch (f) {
    case 0: BOTH(ADD);
    case 1: BOTH(SUB);
    case 2: BOTH(MUL);
  }
}

// z (rows, n) = x (rows, n) and y (rows) joined, each number of y with a whole row: 0 add, 1 sub, 2 mul; z may be x.
EXPORT(spread) void spread(int f, const float *x, const float *y, float *z, int rows, int n) {
  for (int r = 0; r < rows; r++, x += n, z += n) {
    float k = y[r];
    for (int i = 0; i < n; i++) z[i] = f == 0 ? x[i] + k : f == 1 ? x[i] - k : x[i] * k;
  }
}
