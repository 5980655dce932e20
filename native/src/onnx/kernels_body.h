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
inline V truth(M mask) { return select(mask, all(1.0f), all(0.0f)); }

// Relative error below 2e-7. NaN stays NaN, which is why x is the second operand.
inline V exponential(V x) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const V clamped = maximum(all(-87.4f), minimum(all(89.0f), x));
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
  // Half of 2^n, so that n = 128 is representable; where n = -126 that is 0.
  const V half = from_bits((bits_of(shifted) << 23) + (126u << 23));
  const V y = p * half;
  return y + y;
}

inline V sigmoid(V x) { return 1.0f / (1.0f + exponential(-x)); }

template <typename Function>
inline V each_lane(V x, const Function& function) {
  float lanes[kWidth];
  store(lanes, x);
  for (int i = 0; i < kWidth; ++i) lanes[i] = function(lanes[i]);
  return load(lanes);
}

#define KOEMORPH_EACH(expression)                        \
  for (int i = 0; i < kBlocks; ++i) x[i] = (expression); \
  return
// Applies one operation to the vectors x, with operands a and b.
template <int kBlocks>
inline void apply(Op op, V* x, const V* a, const V* b) {
  const V zero = V{};
  switch (op) {
    case Op::kAbs:
      KOEMORPH_EACH(select(x[i] < zero, -x[i], x[i]));
    case Op::kNegate:
      KOEMORPH_EACH(-x[i]);
    case Op::kExp:
      KOEMORPH_EACH(exponential(x[i]));
    case Op::kLog:
      KOEMORPH_EACH(each_lane(x[i], [](float s) { return __builtin_logf(s); }));
    case Op::kSqrt:
      KOEMORPH_EACH(each_lane(x[i], [](float s) { return __builtin_sqrtf(s); }));
    case Op::kSigmoid:
      KOEMORPH_EACH(sigmoid(x[i]));
    case Op::kSilu:
      KOEMORPH_EACH(x[i] / (1.0f + exponential(-x[i])));
    case Op::kTanh:
      KOEMORPH_EACH(each_lane(x[i], [](float s) { return __builtin_tanhf(s); }));
    case Op::kRelu:
      KOEMORPH_EACH(maximum(zero, x[i]));
    case Op::kSign:
      KOEMORPH_EACH(truth(x[i] > zero) - truth(x[i] < zero));
    case Op::kReciprocal:
      KOEMORPH_EACH(1.0f / x[i]);
    case Op::kNot:
      KOEMORPH_EACH(truth(x[i] == zero));
    case Op::kTruncate:
      KOEMORPH_EACH(each_lane(x[i], [](float s) { return __builtin_truncf(s); }));
    case Op::kFloor:
      KOEMORPH_EACH(each_lane(x[i], [](float s) { return __builtin_floorf(s); }));
    case Op::kIsNonzero:
      KOEMORPH_EACH(truth(x[i] != zero));
    case Op::kAdd:
      KOEMORPH_EACH(x[i] + a[i]);
    case Op::kSubtract:
      KOEMORPH_EACH(x[i] - a[i]);
    case Op::kSubtractFrom:
      KOEMORPH_EACH(a[i] - x[i]);
    case Op::kMultiply:
      KOEMORPH_EACH(x[i] * a[i]);
    case Op::kDivide:
      KOEMORPH_EACH(x[i] / a[i]);
    case Op::kDivideInto:
      KOEMORPH_EACH(a[i] / x[i]);
    case Op::kMax:
      KOEMORPH_EACH(maximum(a[i], x[i]));
    case Op::kMin:
      KOEMORPH_EACH(minimum(a[i], x[i]));
    case Op::kGreater:
      KOEMORPH_EACH(truth(x[i] > a[i]));
    case Op::kLess:
      KOEMORPH_EACH(truth(x[i] < a[i]));
    case Op::kGreaterEqual:
      KOEMORPH_EACH(truth(x[i] >= a[i]));
    case Op::kLessEqual:
      KOEMORPH_EACH(truth(x[i] <= a[i]));
    case Op::kEqual:
      KOEMORPH_EACH(truth(x[i] == a[i]));
    case Op::kAnd:
      KOEMORPH_EACH(truth(x[i] != zero) * truth(a[i] != zero));
    case Op::kOr:
      KOEMORPH_EACH(maximum(truth(x[i] != zero), truth(a[i] != zero)));
    case Op::kClip:
      KOEMORPH_EACH(minimum(b[i], maximum(a[i], x[i])));
    case Op::kSelect:
      KOEMORPH_EACH(select(x[i] != zero, a[i], b[i]));
    case Op::kSelectTrue:
      KOEMORPH_EACH(select(a[i] != zero, x[i], b[i]));
    case Op::kSelectFalse:
      KOEMORPH_EACH(select(a[i] != zero, b[i], x[i]));
  }
}
#undef KOEMORPH_EACH

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
    apply<kBlocks>(op.op, x, a, b);
  }
  for (int i = 0; i < kBlocks; ++i) store(call.out + at + i * kWidth, x[i]);
}

void map(const MapCall& call) {
  if (call.op_count == 0 && call.varies[1]) {
    __builtin_memcpy(call.out, call.in[1], static_cast<size_t>(call.count) * sizeof(float));
    return;
  }
  int64_t at = 0;
  constexpr int kBlocks = kWidth == 8 ? 2 : 4;
  for (; at + kBlocks * kWidth <= call.count; at += kBlocks * kWidth) map_block<kBlocks>(call, at);
  if (kBlocks > 2 && at + 2 * kWidth <= call.count) {
    map_block<2>(call, at);
    at += 2 * kWidth;
  }
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

// kRows rows of one panel; row r and column i of a are at a[i * a_step + r].
template <int kRows>
void tile(const float* a, int64_t a_step, const float* b, int64_t b_row, int64_t k, const float* c0,
          int64_t c0_row, float* c, int64_t c_row) {
  V sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      sum[r][v] = c0 == nullptr ? V{} : load(c0 + r * c0_row + v * kWidth);
    }
  }
  for (int64_t i = 0; i < k; ++i, a += a_step, b += b_row) {
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
void tile<1>(const float* a, int64_t a_step, const float* b, int64_t b_row, int64_t k,
             const float* c0, int64_t, float* c, int64_t) {
  constexpr int kChains = kVectors >= 4 ? 2 : (kVectors == 2 ? 4 : 8);
  V sum[kChains][kVectors];
  for (int v = 0; v < kVectors; ++v) {
    for (int chain = 0; chain < kChains; ++chain) sum[chain][v] = V{};
    if (c0 != nullptr) sum[0][v] = load(c0 + v * kWidth);
  }
  int64_t i = 0;
  for (; i + kChains <= k; i += kChains, b += kChains * b_row) {
    for (int chain = 0; chain < kChains; ++chain) {
      const V scalar = all(a[(i + chain) * a_step]);
      for (int v = 0; v < kVectors; ++v) {
        sum[chain][v] = multiply_add(scalar, load(b + chain * b_row + v * kWidth), sum[chain][v]);
      }
    }
  }
  for (; i < k; ++i, b += b_row) {
    for (int v = 0; v < kVectors; ++v) {
      sum[0][v] = multiply_add(all(a[i * a_step]), load(b + v * kWidth), sum[0][v]);
    }
  }
  for (int width = kChains / 2; width > 0; width /= 2) {
    for (int chain = 0; chain < width; ++chain) {
      for (int v = 0; v < kVectors; ++v) sum[chain][v] = sum[chain][v] + sum[chain + width][v];
    }
  }
  for (int v = 0; v < kVectors; ++v) store(c + v * kWidth, sum[0][v]);
}

using Tile = void (*)(const float*, int64_t, const float*, int64_t, int64_t, const float*, int64_t,
                      float*, int64_t);
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
inline void edge_tile(Tile run, int64_t rows, const float* a, int64_t a_step, const float* b,
                      const GemmCall& call, const float* c0, float* c, int64_t columns) {
  float aside[kMaxRows * kPanel];
  run(a, a_step, b, call.b_row, call.k, nullptr, 0, aside, kPanel);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < columns; ++j) {
      const float added = c0 == nullptr ? 0.0f : c0[r * call.c0_row + j];
      c[r * call.c_row + j] = aside[r * kPanel + j] + added;
    }
  }
}

// The rows of a tile, column after column.
inline void pack_rows(const float* a, const GemmCall& call, int64_t rows, float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* source = a + r * call.a_row;
    for (int64_t i = 0; i < call.k; ++i) out[i * rows + r] = source[i * call.a_column];
  }
}

void gemm(const GemmCall& call) {
  constexpr int64_t kRowsAtOnce = kPackedRows / kMaxRows * kMaxRows;
  const bool packs = call.m > 1 && call.a_row != 1;
  for (int64_t first = 0; first < call.m; first += kRowsAtOnce) {
    const int64_t rows = call.m - first < kRowsAtOnce ? call.m - first : kRowsAtOnce;
    const int64_t tiles = (rows + kMaxRows - 1) / kMaxRows;
    const auto start_of = [&](int64_t t) { return rows * t / tiles; };
    const float* a = call.a + first * call.a_row;
    for (int64_t t = 0; packs && t < tiles; ++t) {
      const int64_t begin = start_of(t);
      pack_rows(a + begin * call.a_row, call, start_of(t + 1) - begin,
                call.scratch + begin * call.k);
    }
    for (int64_t column = 0; column < call.n; column += kPanel) {
      const float* b = call.b + column / kPanel * call.b_panel;
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t begin = start_of(t), size = start_of(t + 1) - begin;
        const float* c0 =
            call.c0 == nullptr ? nullptr : call.c0 + (first + begin) * call.c0_row + column;
        float* c = call.c + (first + begin) * call.c_row + column;
        const float* start = packs ? call.scratch + begin * call.k : a + begin * call.a_row;
        const int64_t step = packs ? size : call.a_column;
        const Tile run = tile_of(size);
        if (column + kPanel <= call.n) {
          run(start, step, b, call.b_row, call.k, c0, call.c0_row, c, call.c_row);
        } else {
          edge_tile(run, size, start, step, b, call, c0, c, call.n - column);
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
