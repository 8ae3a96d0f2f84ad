// Eight pixels at a time. The only file built with -mavx2 (CMakeLists.txt); called only where the machine has it.
#include <immintrin.h>

#include "preprocess_rows.h"

namespace watchkeeper {
namespace {

typedef std::int32_t Int8 __attribute__((vector_size(32)));

// kChecked: loads stay within a buffer; false where its caller has seen to that.
template <bool kChecked>
struct Avx2Pixels {
  using Inside = Avx2Pixels<false>;
  using F = __m256;
  using I = Int8;
  static constexpr int kWidth = 8;

  static WK_HOST_DEVICE F iota() { return _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7); }
  static WK_HOST_DEVICE F splat(float v) { return _mm256_set1_ps(v); }
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

  static WK_HOST_DEVICE F pick(F v, const I& from) { return _mm256_permutevar8x32_ps(v, (__m256i)from); }
  static WK_HOST_DEVICE void store_interleaved(float* to, F a, F b, F c) {
    // Lane i of the 24 outputs is element i / 3 of a, b or c by i % 3.
    const I p0 = {0, 0, 0, 1, 1, 1, 2, 2}, p1 = {2, 3, 3, 3, 4, 4, 4, 5}, p2 = {5, 5, 6, 6, 6, 7, 7, 7};
    store(to, _mm256_blend_ps(_mm256_blend_ps(pick(a, p0), pick(b, p0), 0x92), pick(c, p0), 0x24));
    store(to + 8, _mm256_blend_ps(_mm256_blend_ps(pick(a, p1), pick(b, p1), 0x24), pick(c, p1), 0x49));
    store(to + 16, _mm256_blend_ps(_mm256_blend_ps(pick(a, p2), pick(b, p2), 0x49), pick(c, p2), 0x92));
  }
  static WK_HOST_DEVICE void store_bytes(std::uint8_t* to, F v) {
    const __m256i levels = _mm256_cvttps_epi32(min(max(v, splat(0.0f)), splat(255.0f)) + 0.5f);
    const __m256i words = _mm256_packus_epi32(levels, levels);
    const __m256i bytes = _mm256_packus_epi16(words, words);
    const int low = _mm256_extract_epi32(bytes, 0), high = _mm256_extract_epi32(bytes, 4);
    __builtin_memcpy(to, &low, 4);
    __builtin_memcpy(to + 4, &high, 4);
  }

  static WK_HOST_DEVICE F dot(const float* from, const float* weight, int blocks) {
    F sum = _mm256_setzero_ps();
    for (int k = 0; k < blocks * 8; k += 8) sum = sum + load(from + k) * load(weight + k);
    return sum;
  }
  static WK_HOST_DEVICE void dots(const float* row, const std::int32_t* first, const float* weight, int blocks,
                                  float* to) {
    for (int i = 0; i < 8; i += 4, weight += 4 * blocks * 8, first += 4) {
      const F a = dot(row + first[0], weight, blocks), b = dot(row + first[1], weight + blocks * 8, blocks);
      const F c = dot(row + first[2], weight + 2 * blocks * 8, blocks);
      const F d = dot(row + first[3], weight + 3 * blocks * 8, blocks);
      const F halves = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
      _mm_storeu_ps(to + i, _mm256_castps256_ps128(halves) + _mm256_extractf128_ps(halves, 1));
    }
  }
  static WK_HOST_DEVICE void add_rows(const std::uint8_t* from, std::int64_t stride, int rows, float* to) {
    __m256i sum = _mm256_setzero_si256();
    for (int k = 0; k < rows; ++k, from += stride) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      sum = _mm256_add_epi16(sum, _mm256_cvtepu8_epi16(bytes));
    }
    store(to, _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(sum))));
    store(to + 8, _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm256_extracti128_si256(sum, 1))));
  }

  static WK_HOST_DEVICE __m128i fetch_one(const std::uint8_t* from) { return _mm_loadu_si32(from); }
  // Four bytes from each offset by plain loads: a few per cent faster than a gather where two rows share the offsets.
  static WK_HOST_DEVICE __m256i fetch(const std::uint8_t* data, I offset) {
    alignas(32) std::uint32_t at[8];  // by way of memory: cheaper than taking lanes out one by one
    _mm256_store_si256(reinterpret_cast<__m256i*>(at), (__m256i)offset);
    const __m128i p0 = _mm_unpacklo_epi32(fetch_one(data + at[0]), fetch_one(data + at[1]));
    const __m128i p1 = _mm_unpacklo_epi32(fetch_one(data + at[2]), fetch_one(data + at[3]));
    const __m128i p2 = _mm_unpacklo_epi32(fetch_one(data + at[4]), fetch_one(data + at[5]));
    const __m128i p3 = _mm_unpacklo_epi32(fetch_one(data + at[6]), fetch_one(data + at[7]));
    return _mm256_set_m128i(_mm_unpacklo_epi64(p2, p3), _mm_unpacklo_epi64(p0, p1));
  }

  // Four bytes from each offset. Near the end of the buffer the load starts earlier and its value is shifted down.
  static WK_HOST_DEVICE __m256i load4(const std::uint8_t* data, std::int32_t size, I offset) {
    if constexpr (!kChecked) return fetch(data, offset);
    const I start = min_int(offset, splat_int(size - 4));
    const __m256i value = _mm256_i32gather_epi32(reinterpret_cast<const int*>(data), (__m256i)start, 1);
    return _mm256_srlv_epi32(value, _mm256_slli_epi32((__m256i)(offset - start), 3));
  }
  static WK_HOST_DEVICE F low_byte(__m256i v) {
    return _mm256_cvtepi32_ps(_mm256_and_si256(v, _mm256_set1_epi32(255)));
  }
  template <int kStep>
  static WK_HOST_DEVICE void load_pair(const std::uint8_t* data, std::int32_t size, I offset, F& first, F& second) {
    const __m256i bytes = load4(data, size, offset);
    first = low_byte(bytes);
    if constexpr (kStep < 4) {
      second = low_byte(_mm256_srli_epi32(bytes, 8 * kStep));
    } else {
      // A pair that would start past the end does not count (its weight is 0): any byte will do.
      second = low_byte(load4(data, size, min_int(offset + kStep, splat_int(size - 1))));
    }
  }
  static WK_HOST_DEVICE void load_word_pair(const std::uint8_t* data, std::int32_t size, I offset, F& first,
                                            F& second) {
    const __m256i words = load4(data, size, offset);
    first = _mm256_cvtepi32_ps(_mm256_and_si256(words, _mm256_set1_epi32(65535)));
    second = _mm256_cvtepi32_ps(_mm256_srli_epi32(words, 16));
  }
  static WK_HOST_DEVICE void load_two_pairs(const std::uint8_t* data, std::int32_t size, I offset, F& u0, F& v0, F& u1,
                                            F& v1) {
    const __m256i bytes = load4(data, size, offset);
    u0 = low_byte(bytes);
    v0 = low_byte(_mm256_srli_epi32(bytes, 8));
    u1 = low_byte(_mm256_srli_epi32(bytes, 16));
    v1 = _mm256_cvtepi32_ps(_mm256_srli_epi32(bytes, 24));
  }
};

using Avx2Lanes = Avx2Pixels<true>;

}  // namespace

RowFunctions avx2_rows() { return {"avx2", direct<Avx2Lanes>, separable<Avx2Lanes>}; }

}  // namespace watchkeeper
