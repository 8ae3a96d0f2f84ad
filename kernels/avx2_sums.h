// Eight pixels at a time: the sums that reductions are made of. Included by preprocess_avx2.cc alone.
#pragma once

#include "avx2_lanes.h"

namespace watchkeeper {

struct Avx2Sums : Avx2Numbers {
  // kBlocks: 0 where only the caller knows.
  template <int kBlocks>
  static WK_HOST_DEVICE F dot(const float* from, const float* weight, int blocks) {
    F sum = load(from) * load(weight);
    for (int k = 8; k < (kBlocks ? kBlocks : blocks) * 8; k += 8) sum = sum + load(from + k) * load(weight + k);
    return sum;
  }
  template <int kBlocks>
  static WK_HOST_DEVICE void eight_dots(const float* row, const std::int32_t* first, const float* weight, int blocks,
                                        float* to) {
    const int size = (kBlocks ? kBlocks : blocks) * 8;
    for (int i = 0; i < 8; i += 4, weight += 4 * size, first += 4) {
      const F a = dot<kBlocks>(row + first[0], weight, blocks), b = dot<kBlocks>(row + first[1], weight + size, blocks);
      const F c = dot<kBlocks>(row + first[2], weight + 2 * size, blocks);
      const F d = dot<kBlocks>(row + first[3], weight + 3 * size, blocks);
      const F halves = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
      _mm_storeu_ps(to + i, _mm256_castps256_ps128(halves) + _mm256_extractf128_ps(halves, 1));
    }
  }
  static WK_HOST_DEVICE void dots(const float* row, const std::int32_t* first, const float* weight, int blocks,
                                  float* to) {
    switch (blocks) {  // unrolled for the usual ones
      case 1: return eight_dots<1>(row, first, weight, blocks, to);
      case 2: return eight_dots<2>(row, first, weight, blocks, to);
      case 3: return eight_dots<3>(row, first, weight, blocks, to);
      case 4: return eight_dots<4>(row, first, weight, blocks, to);
      default: return eight_dots<0>(row, first, weight, blocks, to);
    }
  }
  // Lanes take turns, as the samples do: the partial sums and their order are those of dots() without its zeros.
  template <int kBlocks>
  static WK_HOST_DEVICE __m128 dots_of_two(const float* row, const std::int32_t* first, const float* both, int blocks) {
    const int size = (kBlocks ? kBlocks : blocks) * 8;
    const F a = dot<kBlocks>(row + first[0], both, blocks), b = dot<kBlocks>(row + first[1], both + size, blocks);
    const F halves = _mm256_shuffle_ps(a, b, 0x44) + _mm256_shuffle_ps(a, b, 0xee);
    return _mm256_castps256_ps128(halves) + _mm256_extractf128_ps(halves, 1);
  }
  template <int kBlocks>
  static WK_HOST_DEVICE void eight_of_two(const float* row, const std::int32_t* first, const float* both, int blocks,
                                          float* to, float* other) {
    const int size = (kBlocks ? kBlocks : blocks) * 8;
    for (int i = 0; i < 8; i += 4, both += 4 * size, first += 4) {
      const __m128 ab = dots_of_two<kBlocks>(row, first, both, blocks);
      const __m128 cd = dots_of_two<kBlocks>(row, first + 2, both + 2 * size, blocks);
      _mm_storeu_ps(to + i, _mm_shuffle_ps(ab, cd, 0x88));
      _mm_storeu_ps(other + i, _mm_shuffle_ps(ab, cd, 0xdd));
    }
  }
  static WK_HOST_DEVICE void dots_two(const float* row, const std::int32_t* first, const float*, const float* both,
                                      int blocks, float* to, float* other) {
    switch (blocks) {
      case 1: return eight_of_two<1>(row, first, both, blocks, to, other);
      case 2: return eight_of_two<2>(row, first, both, blocks, to, other);
      case 3: return eight_of_two<3>(row, first, both, blocks, to, other);
      case 4: return eight_of_two<4>(row, first, both, blocks, to, other);
      default: return eight_of_two<0>(row, first, both, blocks, to, other);
    }
  }
  static WK_HOST_DEVICE void add_rows(const std::uint8_t* from, std::int64_t stride, int rows, float* to) {
    // Words of two bytes are summed as they are, overflowing, and their upper bytes by themselves: the first less 256 times
    // the second is the sum of the lower bytes, which has no more than 16 bits.
    __m256i words[2] = {}, upper[2] = {};
    for (int k = 0; k < rows; ++k, from += stride) {
      for (int i = 0; i < 2; ++i) {
        const __m256i two = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 32 * i));
        words[i] = _mm256_add_epi16(words[i], two);
        upper[i] = _mm256_add_epi16(upper[i], _mm256_srli_epi16(two, 8));
      }
    }
    for (int i = 0; i < 2; ++i, to += 32) {
      const __m256i lower = _mm256_sub_epi16(words[i], _mm256_slli_epi16(upper[i], 8));
      const __m256i a = _mm256_unpacklo_epi16(lower, upper[i]), b = _mm256_unpackhi_epi16(lower, upper[i]);
      store_words(to, _mm256_castsi256_si128(a)), store_words(to + 8, _mm256_castsi256_si128(b));
      store_words(to + 16, _mm256_extracti128_si256(a, 1)), store_words(to + 24, _mm256_extracti128_si256(b, 1));
    }
  }
  static WK_HOST_DEVICE void store_words(float* to, __m128i words) {
    store(to, _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(words)));
  }
  template <int kStep>
  static WK_HOST_DEVICE void pair_sums(const std::uint8_t* from, std::int64_t stride, int rows, std::uint16_t* to) {
    const __m256i ones = _mm256_set1_epi8(1);
    const __m256i turns = _mm256_setr_epi8(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15, 0, 2, 1, 3, 4, 6, 5, 7,
                                           8, 10, 9, 11, 12, 14, 13, 15);
    __m256i sum = _mm256_setzero_si256();
    for (int k = 0; k < rows; ++k, from += stride) {
      __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
      if constexpr (kStep == 2) bytes = _mm256_shuffle_epi8(bytes, turns);
      sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(bytes, ones));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), sum);
  }
};

}  // namespace watchkeeper
