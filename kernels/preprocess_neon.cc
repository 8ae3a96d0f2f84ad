// Four pixels at a time on 64-bit Arm, where NEON is always there (CMakeLists.txt builds this file nowhere else).
#include <arm_neon.h>

#include "preprocess_rows.h"

namespace watchkeeper {
namespace {

struct NeonLanes {
  using F = float32x4_t;
  using I = int32x4_t;
  using Inside = NeonLanes;
  static constexpr int kWidth = 4;

  static WK_HOST_DEVICE F iota() { return F{0, 1, 2, 3}; }
  static WK_HOST_DEVICE F splat(float v) { return vdupq_n_f32(v); }
  static WK_HOST_DEVICE I splat_int(std::int32_t v) { return vdupq_n_s32(v); }
  static WK_HOST_DEVICE F min(F a, F b) { return vminq_f32(a, b); }
  static WK_HOST_DEVICE F max(F a, F b) { return vmaxq_f32(a, b); }
  static WK_HOST_DEVICE I min_int(I a, I b) { return vminq_s32(a, b); }
  static WK_HOST_DEVICE I truncate(F v) { return vcvtq_s32_f32(v); }
  static WK_HOST_DEVICE F to_float(I v) { return vcvtq_f32_s32(v); }
  static WK_HOST_DEVICE F reciprocal_or_zero(F v) {
    const uint32x4_t positive = vcgtq_f32(v, splat(0.0f));
    return vreinterpretq_f32_u32(vandq_u32(positive, vreinterpretq_u32_f32(vdivq_f32(splat(1.0f), v))));
  }
  static WK_HOST_DEVICE F load(const float* from) { return vld1q_f32(from); }
  static WK_HOST_DEVICE F load_bytes(const std::uint8_t* from) {
    std::uint32_t four;
    __builtin_memcpy(&four, from, 4);
    const uint16x8_t words = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four)));
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(words)));
  }
  static WK_HOST_DEVICE F load_words(const std::uint8_t* from) {
    return vcvtq_f32_u32(vmovl_u16(vreinterpret_u16_u8(vld1_u8(from))));
  }
  static WK_HOST_DEVICE void store(float* to, F v) { vst1q_f32(to, v); }
  static WK_HOST_DEVICE void store_interleaved(float* to, F a, F b, F c) {
    const float32x4x3_t three = {{a, b, c}};
    vst3q_f32(to, three);
  }
  static WK_HOST_DEVICE void store_bytes(std::uint8_t* to, F v) {
    const uint32x4_t levels = vcvtq_u32_f32(min(max(v, splat(0.0f)), splat(255.0f)) + 0.5f);
    for (int i = 0; i < 4; ++i) to[i] = static_cast<std::uint8_t>(levels[i]);
  }

  static WK_HOST_DEVICE void dots(const float* row, const std::int32_t* first, const float* weight, int blocks,
                                  float* to) {
    for (int i = 0; i < 8; ++i, weight += blocks * 8) {
      const float* from = row + first[i];
      F low = splat(0.0f), high = splat(0.0f);
      for (int k = 0; k < blocks * 8; k += 8) {
        low = low + load(from + k) * load(weight + k);
        high = high + load(from + k + 4) * load(weight + k + 4);
      }
      const F pairs = vpaddq_f32(low, high);
      to[i] = (pairs[0] + pairs[1]) + (pairs[2] + pairs[3]);
    }
  }
  static WK_HOST_DEVICE void add_rows(const std::uint8_t* from, std::int64_t stride, int rows, float* to) {
    uint16x8_t low = vdupq_n_u16(0), high = low;
    for (int k = 0; k < rows; ++k, from += stride) {
      const uint8x16_t bytes = vld1q_u8(from);
      low = vaddw_u8(low, vget_low_u8(bytes));
      high = vaddw_u8(high, vget_high_u8(bytes));
    }
    store(to, vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))));
    store(to + 4, vcvtq_f32_u32(vmovl_u16(vget_high_u16(low))));
    store(to + 8, vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))));
    store(to + 12, vcvtq_f32_u32(vmovl_u16(vget_high_u16(high))));
  }

  // Four bytes from each offset. Near the end of the buffer the load starts earlier and its value is shifted down.
  static WK_HOST_DEVICE uint32x4_t load4(const std::uint8_t* data, std::int32_t size, I offset) {
    const I start = min_int(offset, splat_int(size - 4));
    uint32x4_t v = vdupq_n_u32(0);
    v = vld1q_lane_u32(reinterpret_cast<const std::uint32_t*>(data + start[0]), v, 0);
    v = vld1q_lane_u32(reinterpret_cast<const std::uint32_t*>(data + start[1]), v, 1);
    v = vld1q_lane_u32(reinterpret_cast<const std::uint32_t*>(data + start[2]), v, 2);
    v = vld1q_lane_u32(reinterpret_cast<const std::uint32_t*>(data + start[3]), v, 3);
    return vshlq_u32(v, vmulq_n_s32(start - offset, 8));  // a negative count shifts right
  }
  static WK_HOST_DEVICE F low_byte(uint32x4_t v) { return vcvtq_f32_u32(vandq_u32(v, vdupq_n_u32(255))); }
  template <int kStep>
  static WK_HOST_DEVICE void load_pair(const std::uint8_t* data, std::int32_t size, I offset, F& first, F& second) {
    const uint32x4_t bytes = load4(data, size, offset);
    first = low_byte(bytes);
    if constexpr (kStep < 4) {
      second = low_byte(vshrq_n_u32(bytes, 8 * kStep));
    } else {
      // A pair that would start past the end does not count (its weight is 0): any byte will do.
      second = low_byte(load4(data, size, min_int(offset + kStep, splat_int(size - 1))));
    }
  }
  static WK_HOST_DEVICE void load_word_pair(const std::uint8_t* data, std::int32_t size, I offset, F& first,
                                            F& second) {
    const uint32x4_t words = load4(data, size, offset);
    first = vcvtq_f32_u32(vandq_u32(words, vdupq_n_u32(65535)));
    second = vcvtq_f32_u32(vshrq_n_u32(words, 16));
  }
  static WK_HOST_DEVICE void load_two_pairs(const std::uint8_t* data, std::int32_t size, I offset, F& u0, F& v0, F& u1,
                                            F& v1) {
    const uint32x4_t bytes = load4(data, size, offset);
    u0 = low_byte(bytes);
    v0 = low_byte(vshrq_n_u32(bytes, 8));
    u1 = low_byte(vshrq_n_u32(bytes, 16));
    v1 = vcvtq_f32_u32(vshrq_n_u32(bytes, 24));
  }
};

}  // namespace

RowFunctions neon_rows() { return {"neon", direct<NeonLanes>, separable<NeonLanes>}; }

}  // namespace watchkeeper
