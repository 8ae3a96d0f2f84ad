// Eight pixels at a time: numbers and stores. Included by preprocess_avx2.cc alone.
#pragma once

#include <immintrin.h>

#include "portable.h"

namespace watchkeeper {

typedef std::int32_t Int8 __attribute__((vector_size(32)));

struct Avx2Numbers {
  using F = __m256;
  using I = Int8;
  using Words = __m128i;
  using Pairs = __m128i;
  static constexpr int kWidth = 8;
  static constexpr bool kBoxes = false;

  static WK_HOST_DEVICE F iota() { return _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7); }
  static WK_HOST_DEVICE F splat(float v) { return _mm256_set1_ps(v); }
  static WK_HOST_DEVICE F pair_centres(int x) {
    return splat(static_cast<float>(x)) + _mm256_setr_ps(1, 1, 3, 3, 5, 5, 7, 7);
  }
  static WK_HOST_DEVICE I splat_int(std::int32_t v) { return (I)_mm256_set1_epi32(v); }
  static WK_HOST_DEVICE F min(F a, F b) { return _mm256_min_ps(a, b); }
  static WK_HOST_DEVICE F max(F a, F b) { return _mm256_max_ps(a, b); }
  static WK_HOST_DEVICE I min_int(I a, I b) { return (I)_mm256_min_epi32((__m256i)a, (__m256i)b); }
  static WK_HOST_DEVICE I truncate(F v) { return (I)_mm256_cvttps_epi32(v); }
  static WK_HOST_DEVICE F to_float(I v) { return _mm256_cvtepi32_ps((__m256i)v); }
  static WK_HOST_DEVICE F reciprocal_or_zero(F v) {
    const F positive = _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_GT_OQ);
    return _mm256_and_ps(positive, _mm256_div_ps(splat(1.0f), v));
  }
  static WK_HOST_DEVICE F load(const float* from) { return _mm256_loadu_ps(from); }
  static WK_HOST_DEVICE F load_bytes(const std::uint8_t* from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
  }
  static WK_HOST_DEVICE F load_words(const std::uint8_t* from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
  }
  static WK_HOST_DEVICE void store(float* to, F v) { _mm256_storeu_ps(to, v); }

  // Intel's "3D Vector Normalization Using 256-Bit AVX" scheme, backwards: six shuffles within halves, then the halves.
  static WK_HOST_DEVICE void store_interleaved(float* to, F a, F b, F c) {
    const F ab = _mm256_shuffle_ps(a, b, 0x88), bc = _mm256_shuffle_ps(b, c, 0xdd), ca = _mm256_shuffle_ps(c, a, 0xd8);
    const F first = _mm256_shuffle_ps(ab, ca, 0x88), second = _mm256_shuffle_ps(bc, ab, 0xd8);
    const F third = _mm256_shuffle_ps(ca, bc, 0xdd);
    store(to, _mm256_permute2f128_ps(first, second, 0x20));
    store(to + 8, _mm256_permute2f128_ps(third, first, 0x30));
    store(to + 16, _mm256_permute2f128_ps(second, third, 0x31));
  }
  static WK_HOST_DEVICE void store_bytes(std::uint8_t* to, F v) {
    const __m256i levels = _mm256_cvttps_epi32(min(max(v, splat(0.0f)), splat(255.0f)) + 0.5f);
    const __m256i words = _mm256_packus_epi32(levels, levels);
    const __m256i bytes = _mm256_packus_epi16(words, words);
    const int low = _mm256_extract_epi32(bytes, 0), high = _mm256_extract_epi32(bytes, 4);
    __builtin_memcpy(to, &low, 4);
    __builtin_memcpy(to + 4, &high, 4);
  }
};

}  // namespace watchkeeper
