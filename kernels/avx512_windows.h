// Blocks of points (tiles.h) in 16 lanes of 32 bits, and the bytes under them by look-ups in registers (AVX-512 VBMI).
// Included by preprocess_avx512.cc alone.
#pragma once

// g++ 12 takes its own header's undefined operands for mistakes (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#include "tiles.h"

namespace watchkeeper {

// The blocks of two rows of points. x, y of a point in its window: its lane of ramp_x, ramp_y and its block's rest.
struct BlockRow {
  __m512i ramp_x, ramp_y;
  alignas(64) std::int32_t offset[kMostBlocks + 16];  // of the window's first byte in its plane
  alignas(64) std::int32_t rest_x[kMostBlocks + 16], rest_y[kMostBlocks + 16];
};

struct Extent {
  int columns, rows;  // of samples
};

WK_HOST_DEVICE std::int32_t least(std::int32_t a, std::int32_t b) { return a < b ? a : b; }

// `columns`: of each block's first point, in whole groups of 16. `window`: rows of one.
WK_HOST_DEVICE void place_blocks(const FixedMap& map, int row, const std::int32_t* columns, int blocks, Extent extent,
                                 int window, std::int32_t stride, int step, BlockRow& to) {
  const FixedOrigin upper = fixed_origin(map, row), lower = fixed_origin(map, row + 1);
  const std::int32_t down_x = lower.x - upper.x, down_y = lower.y - upper.y;
  // A block's least x and y, seen from its first point
  const std::int32_t least_x = least(0, 7 * map.a) + least(0, down_x), least_y = least(0, 7 * map.d) + least(0, down_y);
  const __m512i column = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7);
  const auto ramp = [&](std::int32_t along, std::int32_t down, std::int32_t from) {
    const __m512i rows = _mm512_mask_set1_epi32(_mm512_set1_epi32(-from), 0xff00, down - from);
    return _mm512_add_epi32(_mm512_mullo_epi32(column, _mm512_set1_epi32(along)), rows);
  };
  to.ramp_x = ramp(map.a, down_x, least_x), to.ramp_y = ramp(map.d, down_y, least_y);
  // No window sticks out of the plane: one that would begins earlier, and its points are further inside it.
  const __m512i last_x = _mm512_set1_epi32(extent.columns - kWindowColumns);
  const __m512i last_y = _mm512_set1_epi32(extent.rows - window);
  for (int i = 0; i < blocks; i += 16) {
    const __m512i at = _mm512_loadu_si512(columns + i);
    const auto first = [&](std::int32_t origin, std::int32_t along) {
      return _mm512_add_epi32(_mm512_set1_epi32(origin), _mm512_mullo_epi32(at, _mm512_set1_epi32(along)));
    };
    const __m512i x = first(upper.x + least_x, map.a), y = first(upper.y + least_y, map.d);
    const __m512i x0 = _mm512_min_epi32(_mm512_srai_epi32(x, 16), last_x);
    const __m512i y0 = _mm512_min_epi32(_mm512_srai_epi32(y, 16), last_y);
    const __m512i row_at = _mm512_mullo_epi32(y0, _mm512_set1_epi32(stride));
    _mm512_store_si512(to.offset + i, _mm512_add_epi32(row_at, _mm512_mullo_epi32(x0, _mm512_set1_epi32(step))));
    _mm512_store_si512(to.rest_x + i, _mm512_sub_epi32(x, _mm512_slli_epi32(x0, 16)));
    _mm512_store_si512(to.rest_y + i, _mm512_sub_epi32(y, _mm512_slli_epi32(y0, 16)));
  }
}

// Points in their window: 12 bits before and 16 after the point. Four bytes a lane of everything below are the samples
// upper left, upper right, lower left, lower right.
struct BlockPoints {
  __m512i x, y;
};

WK_HOST_DEVICE BlockPoints block_points(const BlockRow& row, int block) {
  return {_mm512_add_epi32(row.ramp_x, _mm512_set1_epi32(row.rest_x[block])),
          _mm512_add_epi32(row.ramp_y, _mm512_set1_epi32(row.rest_y[block]))};
}

// Byte i of each lane: its bits from kFirst on.
template <int kFirst>
WK_HOST_DEVICE __m512i bits_from(__m512i v) {
  constexpr long long kLow = kFirst * 0x01010101ll, kHigh = (kFirst + 32) * 0x01010101ll;
  return _mm512_multishift_epi64_epi8(_mm512_set1_epi64(kLow | kHigh << 32), v);
}

// a where the mask has a 1, b elsewhere.
WK_HOST_DEVICE __m512i chosen(__m512i mask, __m512i a, __m512i b) { return _mm512_ternarylogic_epi32(mask, a, b, 0xca); }

// The weights of mix_pairs and mix_words in fixed_core.h, negative: t - 128 and -t. A byte holds those, and 128 it does not.
struct BlockWeights {
  __m512i across, down;  // bytes; words
};

WK_HOST_DEVICE BlockWeights block_weights(const BlockPoints& at) {
  // Of the first of two, the complement 127 - t: then t - 128 is -1 - (127 - t), and -t is 0 - t.
  const __m512i x = _mm512_ternarylogic_epi32(bits_from<9>(at.x), _mm512_set1_epi16(0x007f), _mm512_set1_epi8(0x7f), 0x28);
  const __m512i y =
      _mm512_ternarylogic_epi32(bits_from<9>(at.y), _mm512_set1_epi32(0x0000007f), _mm512_set1_epi16(0x007f), 0x28);
  return {_mm512_sub_epi8(_mm512_set1_epi16(0x00ff), x), _mm512_sub_epi16(_mm512_set1_epi32(0x0000ffff), y)};
}

// What mix_words gives of the two rows, as a float. The bytes count as they are, not less 128: with weights that sum up to
// 128 both ways that is 128^3 more, which is taken off together with adding one half before the shift.
WK_HOST_DEVICE __m512 mixed(__m512i samples, const BlockWeights& weights) {
  const __m512i across = _mm512_maddubs_epi16(samples, weights.across);
  const __m512i both = _mm512_dpwssd_epi32(_mm512_set1_epi32(64 - 128 * 128 * 128), across, weights.down);
  return _mm512_cvtepi32_ps(_mm512_srai_epi32(both, 7));
}

WK_HOST_DEVICE __m128i load16(const std::uint8_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
WK_HOST_DEVICE __m256i load32(const std::uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
WK_HOST_DEVICE __m256i two_rows(const std::uint8_t* from, const std::uint8_t* other) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load16(from)), load16(other), 1);
}
WK_HOST_DEVICE __m512i halves(__m256i low, __m256i high) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

// Bytes of a table of 256 by numbers of eight bits.
WK_HOST_DEVICE __m512i look_up_256(const __m512i table[4], __m512i at) {
  const __m512i low = _mm512_permutex2var_epi8(table[0], at, table[1]);
  const __m512i high = _mm512_permutex2var_epi8(table[2], at, table[3]);
  return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(at), high);
}

// One component with its samples side by side: rows of 16 bytes.
template <int kRows>
WK_HOST_DEVICE __m512i luma_samples(const std::uint8_t* from, std::int64_t stride, const BlockPoints& at) {
  __m512i table[kRows / 4];
  for (int i = 0; i < kRows / 4; ++i, from += 4 * stride) {
    table[i] = halves(two_rows(from, from + stride), two_rows(from + 2 * stride, from + 3 * stride));
  }
  const __m512i place = chosen(_mm512_set1_epi8(-16), bits_from<12>(at.y), bits_from<16>(at.x));
  const __m512i index = _mm512_add_epi8(place, _mm512_set1_epi32(0x11100100));
  if constexpr (kRows == kLowWindow) {
    return _mm512_permutex2var_epi8(table[0], index, table[1]);
  } else {
    return look_up_256(table, index);
  }
}

struct BlockSamples {
  __m512i first, second;  // of either component
};

// Two components: in turns in rows of 32 bytes (kTurns), or in 16 bytes each of two planes.
template <int kRows, bool kTurns>
WK_HOST_DEVICE BlockSamples chroma_samples(const std::uint8_t* first, const std::uint8_t* second, std::int64_t stride,
                                           const BlockPoints& at) {
  __m512i table[kRows / 2];
  for (int i = 0; i < kRows / 2; ++i, first += 2 * stride, second += 2 * stride) {
    if constexpr (kTurns) {
      table[i] = halves(load32(first), load32(first + stride));
    } else {
      table[i] = halves(two_rows(first, second), two_rows(first + stride, second + stride));
    }
  }
  // In turns, a sample's number is twice its column.
  const __m512i column = kTurns ? _mm512_and_si512(bits_from<15>(at.x), _mm512_set1_epi8(0x1e)) : bits_from<16>(at.x);
  const __m512i place = chosen(_mm512_set1_epi8(-32), bits_from<11>(at.y), column);
  const __m512i first_at = _mm512_add_epi8(place, _mm512_set1_epi32(kTurns ? 0x22200200 : 0x21200100));
  const __m512i second_at = _mm512_add_epi8(place, _mm512_set1_epi32(kTurns ? 0x23210301 : 0x31301110));
  BlockSamples samples{look_up_256(table, first_at), look_up_256(table, second_at)};
  if constexpr (kRows == kHighWindow) {
    const __m512i row = _mm512_add_epi8(bits_from<16>(at.y), _mm512_set1_epi32(0x01010000));
    const __mmask64 further = _mm512_test_epi8_mask(row, _mm512_set1_epi8(8));  // in the lower half of the window
    samples.first = _mm512_mask_mov_epi8(samples.first, further, look_up_256(table + 4, first_at));
    samples.second = _mm512_mask_mov_epi8(samples.second, further, look_up_256(table + 4, second_at));
  }
  return samples;
}

}  // namespace watchkeeper
