// Eight pixels at a time: where the samples come from and how two are mixed. The only file built with -mavx2 alone
// (CMakeLists.txt); called only where the machine has it.
#include "avx2_sums.h"
#include "preprocess_rows.h"
#include "reduced_rows.h"
#include "separable_rows.h"

namespace watchkeeper {
namespace {

// kChecked: loads stay within a buffer; false where its caller has seen to that.
template <bool kChecked>
struct Avx2Pixels : Avx2Sums {
  using Inside = Avx2Pixels<false>;

  // The lanes one by one. The compiler takes them out of the register: a tenth faster than by way of memory.
  struct Offsets {
    alignas(32) std::uint32_t at[8];
    WK_HOST_DEVICE explicit Offsets(I offset) { _mm256_store_si256(reinterpret_cast<__m256i*>(at), (__m256i)offset); }
    WK_HOST_DEVICE std::uint32_t operator[](int i) const { return at[i]; }
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
};

using Avx2Lanes = Avx2Pixels<true>;

}  // namespace

RowFunctions avx2_rows() { return {"avx2", direct<Avx2Lanes>, separable<Avx2Lanes>, reduced<Avx2Lanes>}; }

}  // namespace watchkeeper
