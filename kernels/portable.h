// What differs between the compilers that build these kernels (g++, clang++, and nvcc for the same headers on the GPU).
#pragma once

#if defined(__CUDACC_RTC__)
// NVRTC has no C++ library: the few types by their CUDA meaning.
namespace std {
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
}  // namespace std
#else
#include <cstddef>
#include <cstdint>
#include <cstring>
#endif

#if defined(__CUDACC__)
#define WK_HOST_DEVICE __host__ __device__ __forceinline__
#else
// Forced: a lane type's helpers must never be left as a function of their own, or a file built for AVX2 could lend its
// copy to a caller on a machine without it.
#define WK_HOST_DEVICE inline __attribute__((always_inline))
#endif

namespace watchkeeper {

// A float's bits as a half's (IEEE 754 binary16), to nearest, ties to even, in integers: the same on every machine.
WK_HOST_DEVICE std::uint16_t half_bits(float value) {
  std::uint32_t bits;
#if defined(__CUDA_ARCH__)
  bits = __float_as_uint(value);
#else
  memcpy(&bits, &value, 4);
#endif
  const std::uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // 65520 and more: infinite
  if (magnitude < 0x33000000u) return static_cast<std::uint16_t>(sign);              // below half of the least
  if (magnitude < 0x38800000u) {                                                     // subnormal: units of 2**-24
    const std::uint32_t shift = 126u - (magnitude >> 23), digits = (magnitude & 0x7fffffu) | 0x800000u;
    const std::uint32_t whole = digits >> shift, rest = digits & ((1u << shift) - 1u), half = 1u << (shift - 1u);
    return static_cast<std::uint16_t>(sign | (whole + (rest > half || (rest == half && (whole & 1u)))));
  }
  const std::uint32_t rebased = magnitude - 0x38000000u;
  return static_cast<std::uint16_t>(sign | ((rebased + 0xfffu + (rebased >> 13 & 1u)) >> 13));
}

constexpr int kRowBytes = 64;  // of a cache line, summed up together

// One pixel at a time: what the GPU runs, what machines without SIMD run, and what SIMD is compared with bit by bit.
struct ScalarLanes {
  using F = float;
  using I = std::int32_t;
  using Words = std::int32_t;  // of 16 bits
  using Pairs = std::int32_t;  // a byte and, above it, the next sample's
  using Inside = ScalarLanes;  // for points whose loads cannot run past a buffer's end
  static constexpr int kWidth = 1;
  static constexpr bool kBoxes = false;  // whether the picture is averaged where it is read

  static WK_HOST_DEVICE F iota() { return 0.0f; }
  static WK_HOST_DEVICE F splat(float v) { return v; }
  // For the pixels from column x on: the middle of each one's pair, 2 floor(x / 2) + 1.
  static WK_HOST_DEVICE F pair_centres(int x) { return static_cast<F>(x | 1); }
  static WK_HOST_DEVICE I splat_int(std::int32_t v) { return v; }
  static WK_HOST_DEVICE F min(F a, F b) { return a < b ? a : b; }
  static WK_HOST_DEVICE F max(F a, F b) { return a > b ? a : b; }
  static WK_HOST_DEVICE I min_int(I a, I b) { return a < b ? a : b; }
  static WK_HOST_DEVICE I truncate(F v) { return static_cast<I>(v); }
  static WK_HOST_DEVICE F to_float(I v) { return static_cast<F>(v); }
  // 1/v, and 0 where v is 0.
  static WK_HOST_DEVICE F reciprocal_or_zero(F v) { return v > 0.0f ? 1.0f / v : 0.0f; }
  static WK_HOST_DEVICE F load(const float* from) { return *from; }
  static WK_HOST_DEVICE F load_bytes(const std::uint8_t* from) { return static_cast<F>(*from); }
  static WK_HOST_DEVICE F load_words(const std::uint8_t* from) {
    return static_cast<F>(from[0] | from[1] << 8);
  }
  static WK_HOST_DEVICE void store(float* to, F v) { *to = v; }
  static WK_HOST_DEVICE void store_interleaved(float* to, F a, F b, F c) { to[0] = a, to[1] = b, to[2] = c; }
  // Rounds half up, limited to 0..255.
  static WK_HOST_DEVICE void store_bytes(std::uint8_t* to, F v) {
    *to = static_cast<std::uint8_t>(min(max(v, 0.0f), 255.0f) + 0.5f);
  }

  // to[i] = the dot product of `blocks` * 8 floats from row + first[i] on with those from weight + i * blocks * 8 on, for
  // eight i. Eight partial sums, added in pairs, pairs of pairs and halves: the order every lane type keeps.
  static WK_HOST_DEVICE void dots(const float* row, const std::int32_t* first, const float* weight, int blocks,
                                  float* to) {
    for (int i = 0; i < 8; ++i, weight += blocks * 8) {
      const float* from = row + first[i];
      float sum[8] = {0, 0, 0, 0, 0, 0, 0, 0};
      for (int k = 0; k < blocks * 8; k += 8) {
        for (int lane = 0; lane < 8; ++lane) sum[lane] = sum[lane] + from[k + lane] * weight[k + lane];
      }
      to[i] = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    }
  }
  // The same of two components that take turns; `both` has every weight twice.
  static WK_HOST_DEVICE void dots_two(const float* row, const std::int32_t* first, const float* weight, const float*,
                                      int blocks, float* to, float* other) {
    dots(row, first, weight, blocks, to);
    dots(row + 1, first, weight, blocks, other);
  }
  // The plain sums of kRowBytes columns of bytes, each `rows` (at most 257) long. Whole numbers: the same in any order.
  static WK_HOST_DEVICE void add_rows(const std::uint8_t* from, std::int64_t stride, int rows, float* to) {
    std::uint16_t sum[kRowBytes] = {};
    for (int k = 0; k < rows; ++k) {
      for (int i = 0; i < kRowBytes; ++i) sum[i] = static_cast<std::uint16_t>(sum[i] + from[k * stride + i]);
    }
    for (int i = 0; i < kRowBytes; ++i) to[i] = static_cast<float>(sum[i]);
  }

  // Bytes [offset] and [offset + kStep] of a buffer of `size` bytes; a second byte past the end reads as 0.
  template <int kStep>
  static WK_HOST_DEVICE void load_pair(const std::uint8_t* data, std::int32_t size, I offset, F& first, F& second) {
    first = static_cast<F>(data[offset]);
    second = offset + kStep < size ? static_cast<F>(data[offset + kStep]) : 0.0f;
  }
  // The same for little-endian words at [offset] and [offset + 2].
  static WK_HOST_DEVICE void load_word_pair(const std::uint8_t* data, std::int32_t size, I offset, F& first,
                                            F& second) {
    first = load_words(data + offset);
    second = offset + 3 < size ? load_words(data + offset + 2) : 0.0f;
  }
  // Bytes [offset] .. [offset + 3]: two samples of two interleaved components, with one load where there is SIMD.
  static WK_HOST_DEVICE void load_two_pairs(const std::uint8_t* data, std::int32_t size, I offset, F& u0, F& v0, F& u1,
                                            F& v1) {
    load_pair<2>(data, size, offset, u0, u1);
    load_pair<2>(data, size, offset + 1, v0, v1);
  }

  // For fixed_core.h, which says what they mean.
  static WK_HOST_DEVICE I ramp(std::int32_t start, std::int32_t) { return start; }
  static WK_HOST_DEVICE Words ramp_words(std::int32_t start, std::int32_t) { return start & 0xffff; }
  static WK_HOST_DEVICE Words add_words(Words a, Words b) { return (a + b) & 0xffff; }
  static WK_HOST_DEVICE Words weight7(Words fraction) { return fraction >> 9; }
  static WK_HOST_DEVICE I offsets(I x, I y, std::int32_t stride, int step) { return (y >> 16) * stride + (x >> 16) * step; }
  template <int kStep>
  static WK_HOST_DEVICE void gather_pairs(const std::uint8_t* data, std::int32_t stride, I offset, Pairs& upper,
                                          Pairs& lower) {
    upper = data[offset] | data[offset + kStep] << 8;
    lower = data[offset + stride] | data[offset + stride + kStep] << 8;
  }
  static WK_HOST_DEVICE Words mix_pairs(Pairs pair, Words t) {
    return ((pair & 255) - 128) * (128 - t) + ((pair >> 8) - 128) * t;
  }
  static WK_HOST_DEVICE Words mix_words(Words first, Words second, Words t) {
    return first + (((second - first) * t + 64) >> 7);
  }
  static WK_HOST_DEVICE F to_float_words(Words v) { return static_cast<F>(v); }
  // The same of two interleaved components at once.
  static WK_HOST_DEVICE void mix_two(const std::uint8_t* data, std::int32_t stride, I offset, I x, I y, F& f1, F& f2) {
    const Words tx = x >> 9 & 127, ty = y >> 9 & 127;
    Pairs upper, lower;
    gather_pairs<2>(data, stride, offset, upper, lower);
    f1 = to_float_words(mix_words(mix_pairs(upper, tx), mix_pairs(lower, tx), ty));
    gather_pairs<2>(data + 1, stride, offset, upper, lower);
    f2 = to_float_words(mix_words(mix_pairs(upper, tx), mix_pairs(lower, tx), ty));
  }
  // Each lane twice: of the first half of the lanes, of the second half. One lane has no halves.
  static WK_HOST_DEVICE void twice(F v, F both[2]) { both[0] = v, both[1] = v; }

  // The sums of 16 pairs of neighbouring samples of 32 bytes, each over `rows` (at most 128). kStep 2: of two components,
  // in turns.
  template <int kStep>
  static WK_HOST_DEVICE void pair_sums(const std::uint8_t* from, std::int64_t stride, int rows, std::uint16_t* to) {
    for (int i = 0; i < 16; ++i) {
      const std::uint8_t* at = from + (kStep == 1 ? 2 * i : 4 * (i / 2) + i % 2);
      std::uint32_t sum = 0;
      for (int k = 0; k < rows; ++k, at += stride) sum += static_cast<std::uint32_t>(at[0] + at[kStep]);
      to[i] = static_cast<std::uint16_t>(sum);
    }
  }
};

// Scalar lanes that average the picture where they read it: the GPU's way to a reduced picture.
struct BoxLanes : ScalarLanes {
  static constexpr bool kBoxes = true;
};

}  // namespace watchkeeper
