// The kernels, written for vectors of any width. Each instruction set includes this file once, in
// its own namespace, after it has defined kWidth, V (floats), I (32-bit integers), M (the result of
// a comparison), multiply_add, kMaxRows and, optionally, KOEMORPH_DOT4.

constexpr int kVectors = kPanel / kWidth;

inline V load(const float* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, V v) { __builtin_memcpy(p, &v, sizeof v); }
inline I bits_of(V v) {
  I i;
  __builtin_memcpy(&i, &v, sizeof i);
  return i;
}
inline V from_bits(I i) {
  V v;
  __builtin_memcpy(&v, &i, sizeof v);
  return v;
}
inline V all(float s) { return s - V{}; }
inline V maximum(V a, V b) { return select(a < b, b, a); }
inline V minimum(V a, V b) { return select(b < a, b, a); }
inline V truth(M mask) { return select(mask, all(1.0f), all(0.0f)); }

// Relative error below 2e-7. NaN stays NaN.
inline V exponential(V x) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const V clamped =
      select(x > all(88.72283f), all(88.72283f), select(x > all(-87.33654f), x, all(-87.33654f)));
  const V shifted = multiply_add(clamped, all(1.44269504f), all(kRound));
  const V n = shifted - kRound;
  V r = multiply_add(n, all(-0.693359375f), clamped);
  r = multiply_add(n, all(2.12194440e-4f), r);
  V p = all(1.9875691500e-4f);
  p = multiply_add(p, r, all(1.3981999507e-3f));
  p = multiply_add(p, r, all(8.3334519073e-3f));
  p = multiply_add(p, r, all(4.1665795894e-2f));
  p = multiply_add(p, r, all(1.6666665459e-1f));
  p = multiply_add(p, r, all(5.0000001201e-1f));
  p = multiply_add(p, r * r, r) + 1.0f;
  // 2^n in two factors, so that n = 128 does not overflow before p is small enough.
  const I exponent = bits_of(shifted) - static_cast<int32_t>(0x4B400000);
  const I half = exponent >> 1;
  const V low = from_bits((half + 127) << 23);
  const V high = from_bits((exponent - half + 127) << 23);
  const V y = p * low * high + (x - x);  // NaN where x is
  return select(x < all(-87.33654f), all(0.0f),
                select(x > all(88.72283f), all(__builtin_inff()), y));
}

inline V sigmoid(V x) { return 1.0f / (1.0f + exponential(-x)); }

template <typename Function>
inline V each_lane(V x, const Function& function) {
  float lanes[kWidth];
  store(lanes, x);
  for (int i = 0; i < kWidth; ++i) lanes[i] = function(lanes[i]);
  return load(lanes);
}

inline V apply(Op op, V x, V a, V b) {
  const V zero = V{};
  switch (op) {
    case Op::kAbs:
      return select(x < zero, -x, x);
    case Op::kNegate:
      return -x;
    case Op::kExp:
      return exponential(x);
    case Op::kLog:
      return each_lane(x, [](float s) { return __builtin_logf(s); });
    case Op::kSqrt:
      return each_lane(x, [](float s) { return __builtin_sqrtf(s); });
    case Op::kSigmoid:
      return sigmoid(x);
    case Op::kSilu:
      return x / (1.0f + exponential(-x));
    case Op::kTanh:
      return each_lane(x, [](float s) { return __builtin_tanhf(s); });
    case Op::kRelu:
      return select(x < zero, zero, x);
    case Op::kSign:
      return truth(x > zero) - truth(x < zero);
    case Op::kReciprocal:
      return 1.0f / x;
    case Op::kNot:
      return truth(x == zero);
    case Op::kTruncate:
      return each_lane(x, [](float s) { return __builtin_truncf(s); });
    case Op::kFloor:
      return each_lane(x, [](float s) { return __builtin_floorf(s); });
    case Op::kIsNonzero:
      return truth(x != zero);
    case Op::kAdd:
      return x + a;
    case Op::kSubtract:
      return x - a;
    case Op::kSubtractFrom:
      return a - x;
    case Op::kMultiply:
      return x * a;
    case Op::kDivide:
      return x / a;
    case Op::kDivideInto:
      return a / x;
    case Op::kMax:
      return maximum(x, a);
    case Op::kMin:
      return minimum(x, a);
    case Op::kGreater:
      return truth(x > a);
    case Op::kLess:
      return truth(x < a);
    case Op::kGreaterEqual:
      return truth(x >= a);
    case Op::kLessEqual:
      return truth(x <= a);
    case Op::kEqual:
      return truth(x == a);
    case Op::kAnd:
      return truth(x != zero) * truth(a != zero);
    case Op::kOr:
      return maximum(truth(x != zero), truth(a != zero));
    case Op::kClip:
      return minimum(maximum(x, a), b);
    case Op::kSelect:
      return select(x != zero, a, b);
    case Op::kSelectTrue:
      return select(a != zero, x, b);
    case Op::kSelectFalse:
      return select(a != zero, b, x);
  }
  return x;
}

template <int kBlocks>
inline void map_block(const MapCall& call, int64_t at) {
  V x[kBlocks], a[kBlocks], b[kBlocks];
  const auto fetch = [&](V* out, int operand) {
    const float* source = call.in[operand];
    if (call.varies[operand]) {
      for (int i = 0; i < kBlocks; ++i) out[i] = load(source + at + i * kWidth);
    } else {
      for (int i = 0; i < kBlocks; ++i) out[i] = all(*source);
    }
  };
  fetch(x, 1);
  for (int i = 0; i < kBlocks; ++i) a[i] = b[i] = V{};
  for (int step = 0; step < call.op_count; ++step) {
    const MapOp& op = call.ops[step];
    if (op.a != 0) fetch(a, op.a);
    if (op.b != 0) fetch(b, op.b);
    const Op code = op.op;
    // The common operations are dispatched once for the block.
    if (code == Op::kAdd) {
      for (int i = 0; i < kBlocks; ++i) x[i] = x[i] + a[i];
    } else if (code == Op::kMultiply) {
      for (int i = 0; i < kBlocks; ++i) x[i] = x[i] * a[i];
    } else {
      for (int i = 0; i < kBlocks; ++i) x[i] = apply(code, x[i], a[i], b[i]);
    }
  }
  for (int i = 0; i < kBlocks; ++i) store(call.out + at + i * kWidth, x[i]);
}

void map(const MapCall& call) {
  int64_t at = 0;
  constexpr int kBlocks = kWidth >= 8 ? 2 : 4;
  for (; at + kBlocks * kWidth <= call.count; at += kBlocks * kWidth) map_block<kBlocks>(call, at);
  for (; at + kWidth <= call.count; at += kWidth) map_block<1>(call, at);
  if (at == call.count) return;
  // The rest: through padded copies, so that nothing beyond the end is touched.
  float in[kMaxOperands][kWidth] = {};
  float out[kWidth];
  MapCall rest = call;
  const int64_t left = call.count - at;
  for (int k = 1; k < kMaxOperands; ++k) {
    if (!call.varies[k] || call.in[k] == nullptr) continue;
    for (int64_t i = 0; i < left; ++i) in[k][i] = call.in[k][at + i];
    rest.in[k] = in[k];
  }
  rest.out = out;
  map_block<1>(rest, 0);
  for (int64_t i = 0; i < left; ++i) call.out[at + i] = out[i];
}

// kRows rows of one panel. a: packed by columns of kRows, or one row.
template <int kRows>
void tile(const float* a, const float* b, int64_t b_row, int64_t k, const float* c0, int64_t c0_row,
          float* c, int64_t c_row) {
  V sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      sum[r][v] = c0 == nullptr ? V{} : load(c0 + r * c0_row + v * kWidth);
    }
  }
  for (int64_t i = 0; i < k; ++i, a += kRows, b += b_row) {
    V column[kVectors];
    for (int v = 0; v < kVectors; ++v) column[v] = load(b + v * kWidth);
    for (int r = 0; r < kRows; ++r) {
      const V scalar = all(a[r]);
      for (int v = 0; v < kVectors; ++v) sum[r][v] = multiply_add(scalar, column[v], sum[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) store(c + r * c_row + v * kWidth, sum[r][v]);
  }
}

// One row: several independent sums hide the latency of the additions.
template <>
void tile<1>(const float* a, const float* b, int64_t b_row, int64_t k, const float* c0, int64_t,
             float* c, int64_t) {
  constexpr int kChains = kVectors >= 4 ? 2 : (kVectors == 2 ? 4 : 8);
  V sum[kChains][kVectors];
  for (int v = 0; v < kVectors; ++v) {
    for (int chain = 0; chain < kChains; ++chain) sum[chain][v] = V{};
    if (c0 != nullptr) sum[0][v] = load(c0 + v * kWidth);
  }
  int64_t i = 0;
  for (; i + kChains <= k; i += kChains, b += kChains * b_row) {
    for (int chain = 0; chain < kChains; ++chain) {
      const V scalar = all(a[i + chain]);
      for (int v = 0; v < kVectors; ++v) {
        sum[chain][v] = multiply_add(scalar, load(b + chain * b_row + v * kWidth), sum[chain][v]);
      }
    }
  }
  for (; i < k; ++i, b += b_row) {
    for (int v = 0; v < kVectors; ++v) {
      sum[0][v] = multiply_add(all(a[i]), load(b + v * kWidth), sum[0][v]);
    }
  }
  for (int width = kChains / 2; width > 0; width /= 2) {
    for (int chain = 0; chain < width; ++chain) {
      for (int v = 0; v < kVectors; ++v) sum[chain][v] = sum[chain][v] + sum[chain + width][v];
    }
  }
  for (int v = 0; v < kVectors; ++v) store(c + v * kWidth, sum[0][v]);
}

using Tile = void (*)(const float*, const float*, int64_t, int64_t, const float*, int64_t, float*,
                      int64_t);
template <int... kRows>
struct TileTable {
  static constexpr Tile kTiles[] = {&tile<kRows>...};
};

inline Tile tile_of(int64_t rows) {
#if defined(KOEMORPH_MANY_ROWS)
  using Table = TileTable<1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>;
#else
  using Table = TileTable<1, 1, 2, 3, 4, 5, 6>;
#endif
  return Table::kTiles[rows];
}

// The last panel's columns beyond n are computed aside and dropped.
inline void edge_tile(Tile run, int64_t rows, const float* a, const float* b, const GemmCall& call,
                      const float* c0, float* c, int64_t columns) {
  float aside[kMaxRows * kPanel];
  run(a, b, call.b_row, call.k, nullptr, 0, aside, kPanel);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < columns; ++j) {
      const float added = c0 == nullptr ? 0.0f : c0[r * call.c0_row + j];
      c[r * call.c_row + j] = aside[r * kPanel + j] + added;
    }
  }
}

void gemm(const GemmCall& call) {
  constexpr int64_t kRowsAtOnce = kPackedRows / kMaxRows * kMaxRows;
  for (int64_t first = 0; first < call.m; first += kRowsAtOnce) {
    const int64_t rows = call.m - first < kRowsAtOnce ? call.m - first : kRowsAtOnce;
    const int64_t tiles = (rows + kMaxRows - 1) / kMaxRows;
    const auto start_of = [&](int64_t t) { return rows * t / tiles; };
    const float* a = call.a + first * call.a_row;
    const float* packed = call.scratch;
    if (rows == 1 && call.a_column == 1) {
      packed = a;
    } else {
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t begin = start_of(t), size = start_of(t + 1) - begin;
        float* out = call.scratch + begin * call.k;
        for (int64_t r = 0; r < size; ++r) {
          const float* source = a + (begin + r) * call.a_row;
          for (int64_t i = 0; i < call.k; ++i) out[i * size + r] = source[i * call.a_column];
        }
      }
    }
    for (int64_t column = 0; column < call.n; column += kPanel) {
      const float* b = call.b + column / kPanel * call.b_panel;
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t begin = start_of(t), size = start_of(t + 1) - begin;
        const float* c0 =
            call.c0 == nullptr ? nullptr : call.c0 + (first + begin) * call.c0_row + column;
        float* c = call.c + (first + begin) * call.c_row + column;
        const Tile run = tile_of(size);
        const float* rows_of_a = packed + begin * call.k;
        if (column + kPanel <= call.n) {
          run(rows_of_a, b, call.b_row, call.k, c0, call.c0_row, c, call.c_row);
        } else {
          edge_tile(run, size, rows_of_a, b, call, c0, c, call.n - column);
        }
      }
    }
  }
}

#if !defined(KOEMORPH_DOT4)
// sums[j] += products of four rows of 16 columns.
inline void dot4(const uint8_t* a, const int8_t* b, int32_t* sums) {
  for (int j = 0; j < kPanel; ++j) {
    sums[j] += a[0] * b[4 * j] + a[1] * b[4 * j + 1] + a[2] * b[4 * j + 2] + a[3] * b[4 * j + 3];
  }
}
inline void integer_panel(const uint8_t* a, const int8_t* b, int64_t groups, int32_t* sums) {
  for (int j = 0; j < kPanel; ++j) sums[j] = 0;
  for (int64_t g = 0; g < groups; ++g) dot4(a + 4 * g, b + g * 4 * kPanel, sums);
}
#endif

void integer_gemm(const IntegerGemmCall& call) {
  const int64_t groups = call.k / 4, rest = call.k % 4, all_groups = (call.k + 3) / 4;
  for (int64_t r = 0; r < call.m; ++r) {
    const uint8_t* a = call.a + r * call.k;
    uint8_t last[4] = {};
    for (int64_t i = 0; i < rest; ++i) last[i] = a[4 * groups + i];
    int32_t a_sum = 0;
    for (int64_t i = 0; i < call.k; ++i) a_sum += a[i];
    const auto depth = static_cast<int32_t>(call.k);
    for (int64_t column = 0; column < call.n; column += kPanel) {
      const int8_t* b = call.b + column * 4 * all_groups;
      int32_t sums[kPanel];
      integer_panel(a, b, groups, sums);
      if (rest != 0) {
        const int8_t* tail = b + groups * 4 * kPanel;
        for (int j = 0; j < kPanel; ++j) {
          for (int i = 0; i < 4; ++i) sums[j] += last[i] * tail[4 * j + i];
        }
      }
      const int64_t columns = call.n - column < kPanel ? call.n - column : kPanel;
      for (int64_t j = 0; j < columns; ++j) {
        const int32_t zero = call.b_zero[column + j];
        const int32_t sum = sums[j] - call.a_zero * call.b_sums[column + j] - zero * a_sum +
                            depth * call.a_zero * zero;
        call.c[r * call.c_row + column + j] = static_cast<float>(sum);
      }
    }
  }
}

inline V combine(Reduce kind, V a, V b) {
  return kind == Reduce::kSum ? a + b : kind == Reduce::kMax ? maximum(a, b) : minimum(a, b);
}
inline float combine_one(Reduce kind, float a, float b) {
  return kind == Reduce::kSum ? a + b : ((kind == Reduce::kMax) == (a < b) ? b : a);
}

float reduce(Reduce kind, const float* in, int64_t n) {
  int64_t i = 0;
  float result = in[0];
  if (n >= kWidth) {
    V sum = load(in);
    for (i = kWidth; i + kWidth <= n; i += kWidth) sum = combine(kind, sum, load(in + i));
    float lanes[kWidth];
    store(lanes, sum);
    for (int width = kWidth / 2; width > 0; width /= 2) {
      for (int j = 0; j < width; ++j) lanes[j] = combine_one(kind, lanes[j], lanes[j + width]);
    }
    result = lanes[0];
  } else {
    i = 1;
  }
  for (; i < n; ++i) result = combine_one(kind, result, in[i]);
  return result;
}

void accumulate(Reduce kind, float* out, const float* in, int64_t n) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(out + i, combine(kind, load(out + i), load(in + i)));
  for (; i < n; ++i) out[i] = combine_one(kind, out[i], in[i]);
}

void quantize(const float* in, int64_t n, float scale, float zero, uint8_t* out) {
  constexpr float kRound = 12582912.0f;
  for (int64_t i = 0; i < n; i += kWidth) {
    const int64_t left = n - i < kWidth ? n - i : kWidth;
    float lanes[kWidth] = {};
    for (int64_t j = 0; j < left; ++j) lanes[j] = in[i + j];
    V x = load(lanes) / all(scale);
    x = minimum(maximum(x, all(-1e6f)), all(1e6f));
    x = (x + kRound) - kRound + zero;
    store(lanes, minimum(maximum(select(x == x, x, all(0.0f)), all(0.0f)), all(255.0f)));
    for (int64_t j = 0; j < left; ++j) out[i + j] = static_cast<uint8_t>(lanes[j]);
  }
}
