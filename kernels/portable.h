// What differs between the compilers that build these kernels (g++, clang++, and nvcc for the same headers on the GPU).
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)
#define WK_HOST_DEVICE __host__ __device__ __forceinline__
#else
// Forced: a lane type's helpers must never be left as a function of their own, or a file built for AVX2 could lend its
// copy to a caller on a machine without it.
#define WK_HOST_DEVICE inline __attribute__((always_inline))
#endif

namespace watchkeeper {

// One pixel at a time: what the GPU runs, what machines without SIMD run, and what SIMD is compared with bit by bit.
struct ScalarLanes {
  using F = float;
  using I = std::int32_t;
  static constexpr int kWidth = 1;

  static WK_HOST_DEVICE F iota() { return 0.0f; }
  static WK_HOST_DEVICE F splat(float v) { return v; }
  static WK_HOST_DEVICE I splat_int(std::int32_t v) { return v; }
  static WK_HOST_DEVICE F min(F a, F b) { return a < b ? a : b; }
  static WK_HOST_DEVICE F max(F a, F b) { return a > b ? a : b; }
  static WK_HOST_DEVICE I min_int(I a, I b) { return a < b ? a : b; }
  static WK_HOST_DEVICE I truncate(F v) { return static_cast<I>(v); }
  static WK_HOST_DEVICE F to_float(I v) { return static_cast<F>(v); }
  // 1/v, and 0 where v is 0.
  static WK_HOST_DEVICE F reciprocal_or_zero(F v) { return v > 0.0f ? 1.0f / v : 0.0f; }
  static WK_HOST_DEVICE F load(const float* from) { return *from; }
  static WK_HOST_DEVICE I load_int(const std::int32_t* from) { return *from; }
  static WK_HOST_DEVICE F load_bytes(const std::uint8_t* from) { return static_cast<F>(*from); }
  static WK_HOST_DEVICE F gather(const float* from, I index) { return from[index]; }
  static WK_HOST_DEVICE void store(float* to, F v) { *to = v; }
  static WK_HOST_DEVICE void store_interleaved(float* to, F a, F b, F c) { to[0] = a, to[1] = b, to[2] = c; }
  // Rounds half up, limited to 0..255.
  static WK_HOST_DEVICE void store_bytes(std::uint8_t* to, F v) {
    *to = static_cast<std::uint8_t>(min(max(v, 0.0f), 255.0f) + 0.5f);
  }

  // Bytes [offset] and [offset + kStep] of a buffer of `size` bytes; a second byte past the end reads as 0.
  template <int kStep>
  static WK_HOST_DEVICE void load_pair(const std::uint8_t* data, std::int32_t size, I offset, F& first, F& second) {
    first = static_cast<F>(data[offset]);
    second = offset + kStep < size ? static_cast<F>(data[offset + kStep]) : 0.0f;
  }
  // Bytes [offset] .. [offset + 3]: two samples of two interleaved components, with one load where there is SIMD.
  static WK_HOST_DEVICE void load_two_pairs(const std::uint8_t* data, std::int32_t size, I offset, F& u0, F& v0, F& u1,
                                            F& v1) {
    load_pair<2>(data, size, offset, u0, u1);
    load_pair<2>(data, size, offset + 1, v0, v1);
  }
};

}  // namespace watchkeeper
