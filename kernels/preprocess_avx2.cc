// Eight pixels at a time. The only file built with -mavx2 (CMakeLists.txt); called only where the machine has it.
#include <immintrin.h>

#include "preprocess_rows.h"
#include "reduced_rows.h"
#include "separable_rows.h"

namespace watchkeeper {
namespace {

typedef std::int32_t Int8 __attribute__((vector_size(32)));

// kChecked: loads stay within a buffer; false where its caller has seen to that.
template <bool kChecked>
struct Avx2Pixels {
  using Inside = Avx2Pixels<false>;
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

  // Lanes by way of memory: cheaper than taking them out one by one, which a compiler does unless the reads are volatile.
  struct Offsets {
    alignas(32) std::uint32_t at[8];
    WK_HOST_DEVICE explicit Offsets(I offset) { _mm256_store_si256(reinterpret_cast<__m256i*>(at), (__m256i)offset); }
    WK_HOST_DEVICE std::uint32_t operator[](int i) const { return *const_cast<const volatile std::uint32_t*>(at + i); }
  };
  static WK_HOST_DEVICE __m128i fetch_one(const std::uint8_t* from) { return _mm_loadu_si32(from); }
  // Four bytes from each offset by plain loads: a few per cent faster than a gather where two rows share the offsets.
  static WK_HOST_DEVICE __m256i fetch(const std::uint8_t* data, I offset) {
    const Offsets at(offset);
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

  static WK_HOST_DEVICE I ramp(std::int32_t start, std::int32_t step) {
    const I lane = {0, 1, 2, 3, 4, 5, 6, 7};
    return start + lane * step;
  }
  static WK_HOST_DEVICE Words narrow(__m256i v) {  // lanes of 0..65535
    return _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  }
  static WK_HOST_DEVICE Words ramp_words(std::int32_t start, std::int32_t step) {
    const __m128i lane = _mm_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7);
    const __m128i ramp = _mm_mullo_epi16(lane, _mm_set1_epi16(static_cast<short>(step)));
    return _mm_add_epi16(_mm_set1_epi16(static_cast<short>(start)), ramp);
  }
  static WK_HOST_DEVICE Words add_words(Words a, Words b) { return _mm_add_epi16(a, b); }
  static WK_HOST_DEVICE Words weight7(Words fraction) { return _mm_srli_epi16(fraction, 9); }
  static WK_HOST_DEVICE I offsets(I x, I y, std::int32_t stride, int step) { return (y >> 16) * stride + (x >> 16) * step; }
  // The byte and the one kStep after it, from four bytes a lane.
  template <int kFirst, int kStep>
  static WK_HOST_DEVICE Pairs pairs_of(__m256i four) {
    constexpr char a = kFirst, b = kFirst + kStep, n = -128;
    const __m256i low = _mm256_setr_epi8(a, b, a + 4, b + 4, a + 8, b + 8, a + 12, b + 12, n, n, n, n, n, n, n, n, a, b,
                                         a + 4, b + 4, a + 8, b + 8, a + 12, b + 12, n, n, n, n, n, n, n, n);
    const __m256i picked = _mm256_shuffle_epi8(four, low);
    return _mm_unpacklo_epi64(_mm256_castsi256_si128(picked), _mm256_extracti128_si256(picked, 1));
  }
  static WK_HOST_DEVICE int two_bytes(const std::uint8_t* from) {
    std::uint16_t v;
    __builtin_memcpy(&v, from, 2);
    return v;
  }
  // A pair's first load has four bytes; the other two are overwritten by the next.
  template <int kStep>
  static WK_HOST_DEVICE void gather_pairs(const std::uint8_t* data, std::int32_t stride, I offset, Pairs& upper,
                                          Pairs& lower) {
    const std::uint8_t* below = data + stride;
    if constexpr (kStep == 1) {
      const Offsets at(offset);
      __m128i v[2], w[2];
      for (int half = 0; half < 2; ++half) {
        const std::uint32_t i = at[4 * half], j = at[4 * half + 1], k = at[4 * half + 2], l = at[4 * half + 3];
        v[half] = _mm_insert_epi16(fetch_one(data + i), two_bytes(data + j), 1);
        w[half] = _mm_insert_epi16(fetch_one(below + i), two_bytes(below + j), 1);
        v[half] = _mm_insert_epi16(_mm_insert_epi16(v[half], two_bytes(data + k), 2), two_bytes(data + l), 3);
        w[half] = _mm_insert_epi16(_mm_insert_epi16(w[half], two_bytes(below + k), 2), two_bytes(below + l), 3);
      }
      upper = _mm_unpacklo_epi64(v[0], v[1]), lower = _mm_unpacklo_epi64(w[0], w[1]);
    } else if constexpr (kStep < 4) {
      upper = pairs_of<0, kStep>(fetch(data, offset)), lower = pairs_of<0, kStep>(fetch(below, offset));
    } else {
      upper = far_pairs<kStep>(data, offset), lower = far_pairs<kStep>(below, offset);
    }
  }
  template <int kStep>
  static WK_HOST_DEVICE Pairs far_pairs(const std::uint8_t* data, I offset) {
    const __m256i first = _mm256_and_si256(fetch(data, offset), _mm256_set1_epi32(255));
    const __m256i second = _mm256_and_si256(fetch(data + kStep, offset), _mm256_set1_epi32(255));
    return narrow(_mm256_or_si256(first, _mm256_slli_epi32(second, 8)));
  }
  static WK_HOST_DEVICE void mix_two(const std::uint8_t* data, std::int32_t stride, I offset, I x, I y, F& f1, F& f2) {
    const __m256i tx = (__m256i)(x >> 9 & 127), ty = (__m256i)(y >> 9 & 127);
    // A lane has both components of both samples: u0 u1 v0 v1, and the weights twice.
    const __m256i order = _mm256_setr_epi8(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15, 0, 2, 1, 3, 4, 6, 5, 7, 8,
                                           10, 9, 11, 12, 14, 13, 15);
    const __m256i middle = _mm256_set1_epi8(-128);
    const __m256i weights =
        _mm256_add_epi32(_mm256_mullo_epi32(tx, _mm256_set1_epi32(0x00ff00ff)), _mm256_set1_epi32(0x00800080));
    const __m256i down = _mm256_or_si256(_mm256_slli_epi32(ty, 8), _mm256_slli_epi32(ty, 24));
    const __m256i upper = _mm256_xor_si256(_mm256_shuffle_epi8(fetch(data, offset), order), middle);
    const __m256i lower = _mm256_xor_si256(_mm256_shuffle_epi8(fetch(data + stride, offset), order), middle);
    const __m256i first = _mm256_maddubs_epi16(weights, upper), second = _mm256_maddubs_epi16(weights, lower);
    const __m256i both = _mm256_add_epi16(first, _mm256_mulhrs_epi16(_mm256_sub_epi16(second, first), down));
    f1 = _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(both, 16), 16));
    f2 = _mm256_cvtepi32_ps(_mm256_srai_epi32(both, 16));
  }
  static WK_HOST_DEVICE Words mix_pairs(Pairs pair, Words t) {
    // Bytes: 128 - t and t, unsigned; the samples less 128, signed.
    const __m128i weights = _mm_add_epi16(_mm_sub_epi16(_mm_slli_epi16(t, 8), t), _mm_set1_epi16(128));
    return _mm_maddubs_epi16(weights, _mm_xor_si128(pair, _mm_set1_epi8(-128)));
  }
  static WK_HOST_DEVICE Words mix_words(Words first, Words second, Words t) {
    return _mm_add_epi16(first, _mm_mulhrs_epi16(_mm_sub_epi16(second, first), _mm_slli_epi16(t, 8)));
  }
  static WK_HOST_DEVICE F to_float_words(Words v) { return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(v)); }
  static WK_HOST_DEVICE void twice(F v, F both[2]) {
    const F low = _mm256_unpacklo_ps(v, v), high = _mm256_unpackhi_ps(v, v);
    both[0] = _mm256_permute2f128_ps(low, high, 0x20);
    both[1] = _mm256_permute2f128_ps(low, high, 0x31);
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

using Avx2Lanes = Avx2Pixels<true>;

}  // namespace

RowFunctions avx2_rows() { return {"avx2", direct<Avx2Lanes>, separable<Avx2Lanes>, reduced<Avx2Lanes>}; }

}  // namespace watchkeeper
