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

// c (n / area, m, area) = bias (m) + a (m, k) times b, whose n columns come in panels of 8: b (n / 8, k, 8). A picture has
// `area` columns, and a panel may hold the end of one and the beginning of the next.
EXPORT(gemm) void gemm(const float *a, const float *b, const float *bias, float *c, int m, int k, int n, int area) {
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
      int row = j / area, place = j - row * area;
      float *first = c + (row * m + i) * area + place;
      for (int r = 0; r < rows; r++) {
        float *to = first + r * area;
        if (place + 8 <= area) {
          STORE(to, s[2 * r]);
          STORE(to + 4, s[2 * r + 1]);
        } else {
          float left[8];
          STORE(left, s[2 * r]);
          STORE(left + 4, s[2 * r + 1]);
          for (int t = 0, q = place; t < 8 && j + t < n; t++, to++) {
            if (q++ == area) to += (m - 1) * area, q = 1;
            *to = left[t];
          }
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

// The patches of x (channels, h, w) under a kernel as oh ow columns in panels for gemm, (.., channels kh kw, 8), from column
// `start` on; 0 where a patch reaches outside.
#define PUT(value) do { out[t] = value; if (++t == 8) t = 0, out += rows * 8; } while (0)
EXPORT(unfold) void unfold(const float *x, float *to, int start, int channels, int h, int w, int kh, int kw, int sh, int sw, int ph, int pw, int oh, int ow) {
  int rows = channels * kh * kw;
  for (int c = 0, row = 0; c < channels; c++, x += h * w)
    for (int ky = 0; ky < kh; ky++)
      for (int kx = 0; kx < kw; kx++, row++) {
        float *out = to + ((start >> 3) * rows + row) * 8;
        int t = start & 7;
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
