// Four pixels at a time on 64-bit Arm, where NEON is always there (CMakeLists.txt builds this file nowhere else).
#include <arm_neon.h>

#include "preprocess_rows.h"
#include "reduced_rows.h"
#include "separable_rows.h"

namespace watchkeeper {
namespace {

struct NeonLanes {
  using F = float32x4_t;
  using I = int32x4_t;
  using Words = int16x4_t;
  using Pairs = uint16x4_t;
  using Inside = NeonLanes;
  static constexpr int kWidth = 4;
  static constexpr bool kBoxes = false;

  static WK_HOST_DEVICE F iota() { return F{0, 1, 2, 3}; }
  static WK_HOST_DEVICE F splat(float v) { return vdupq_n_f32(v); }
  static WK_HOST_DEVICE F pair_centres(int x) { return splat(static_cast<float>(x)) + F{1, 1, 3, 3}; }
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
  static WK_HOST_DEVICE void dots_two(const float* row, const std::int32_t* first, const float* weight, const float*,
                                      int blocks, float* to, float* other) {
    dots(row, first, weight, blocks, to);
    dots(row + 1, first, weight, blocks, other);
  }
  static WK_HOST_DEVICE void add_rows(const std::uint8_t* from, std::int64_t stride, int rows, float* to) {
    uint16x8_t sum[kRowBytes / 8];
    for (auto& eight : sum) eight = vdupq_n_u16(0);
    for (int k = 0; k < rows; ++k, from += stride) {
      for (int i = 0; i < kRowBytes / 16; ++i) {
        const uint8x16_t bytes = vld1q_u8(from + 16 * i);
        sum[2 * i] = vaddw_u8(sum[2 * i], vget_low_u8(bytes));
        sum[2 * i + 1] = vaddw_u8(sum[2 * i + 1], vget_high_u8(bytes));
      }
    }
    for (const auto& eight : sum) {
      store(to, vcvtq_f32_u32(vmovl_u16(vget_low_u16(eight))));
      store(to + 4, vcvtq_f32_u32(vmovl_u16(vget_high_u16(eight))));
      to += 8;
    }
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

  static WK_HOST_DEVICE I ramp(std::int32_t start, std::int32_t step) { return start + I{0, 1, 2, 3} * step; }
  static WK_HOST_DEVICE Words ramp_words(std::int32_t start, std::int32_t step) { return vmovn_s32(ramp(start, step)); }
  static WK_HOST_DEVICE Words add_words(Words a, Words b) { return vadd_s16(a, b); }
  static WK_HOST_DEVICE Words weight7(Words fraction) {
    return vreinterpret_s16_u16(vshr_n_u16(vreinterpret_u16_s16(fraction), 9));
  }
  static WK_HOST_DEVICE I offsets(I x, I y, std::int32_t stride, int step) { return (y >> 16) * stride + (x >> 16) * step; }
  template <int kStep>
  static WK_HOST_DEVICE void gather_pairs(const std::uint8_t* data, std::int32_t stride, I offset, Pairs& upper,
                                          Pairs& lower) {
    upper = pairs<kStep>(data, offset), lower = pairs<kStep>(data + stride, offset);
  }
  template <int kStep>
  static WK_HOST_DEVICE Pairs pairs(const std::uint8_t* data, I offset) {
    Pairs v = vdup_n_u16(0);
    if constexpr (kStep == 1) {
      v = vld1_lane_u16(reinterpret_cast<const std::uint16_t*>(data + offset[0]), v, 0);
      v = vld1_lane_u16(reinterpret_cast<const std::uint16_t*>(data + offset[1]), v, 1);
      v = vld1_lane_u16(reinterpret_cast<const std::uint16_t*>(data + offset[2]), v, 2);
      return vld1_lane_u16(reinterpret_cast<const std::uint16_t*>(data + offset[3]), v, 3);
    }
    for (int i = 0; i < 4; ++i) {
      v[i] = static_cast<std::uint16_t>(data[offset[i]] | data[offset[i] + kStep] << 8);
    }
    return v;
  }
  static WK_HOST_DEVICE uint32x4_t fours(const std::uint8_t* data, I offset) {
    uint32x4_t v = vdupq_n_u32(0);
    v = vld1q_lane_u32(reinterpret_cast<const std::uint32_t*>(data + offset[0]), v, 0);
    v = vld1q_lane_u32(reinterpret_cast<const std::uint32_t*>(data + offset[1]), v, 1);
    v = vld1q_lane_u32(reinterpret_cast<const std::uint32_t*>(data + offset[2]), v, 2);
    return vld1q_lane_u32(reinterpret_cast<const std::uint32_t*>(data + offset[3]), v, 3);
  }
  static WK_HOST_DEVICE Pairs even_bytes(uint32x4_t v) {
    return vmovn_u32(vorrq_u32(vandq_u32(v, vdupq_n_u32(255)), vandq_u32(vshrq_n_u32(v, 8), vdupq_n_u32(0xff00))));
  }
  static WK_HOST_DEVICE void mix_two(const std::uint8_t* data, std::int32_t stride, I offset, I x, I y, F& f1, F& f2) {
    const Words tx = vmovn_s32(x >> 9 & 127), ty = vmovn_s32(y >> 9 & 127);
    const uint32x4_t upper = fours(data, offset), lower = fours(data + stride, offset);
    f1 = to_float_words(mix_words(mix_pairs(even_bytes(upper), tx), mix_pairs(even_bytes(lower), tx), ty));
    const uint32x4_t up = vshrq_n_u32(upper, 8), low = vshrq_n_u32(lower, 8);
    f2 = to_float_words(mix_words(mix_pairs(even_bytes(up), tx), mix_pairs(even_bytes(low), tx), ty));
  }
  static WK_HOST_DEVICE Words mix_pairs(Pairs pair, Words t) {
    const Words middle = vdup_n_s16(128);
    const Words first = vsub_s16(vreinterpret_s16_u16(vand_u16(pair, vdup_n_u16(255))), middle);
    const Words second = vsub_s16(vreinterpret_s16_u16(vshr_n_u16(pair, 8)), middle);
    return vmla_s16(vmul_s16(first, vsub_s16(middle, t)), second, t);
  }
  static WK_HOST_DEVICE Words mix_words(Words first, Words second, Words t) {
    return vadd_s16(first, vqrdmulh_s16(vsub_s16(second, first), vshl_n_s16(t, 8)));
  }
  static WK_HOST_DEVICE F to_float_words(Words v) { return vcvtq_f32_s32(vmovl_s16(v)); }
  static WK_HOST_DEVICE void twice(F v, F both[2]) { both[0] = vzip1q_f32(v, v), both[1] = vzip2q_f32(v, v); }
  template <int kStep>
  static WK_HOST_DEVICE void pair_sums(const std::uint8_t* from, std::int64_t stride, int rows, std::uint16_t* to) {
    uint16x8_t low = vdupq_n_u16(0), high = low;
    for (int k = 0; k < rows; ++k, from += stride) {
      if constexpr (kStep == 2) {
        const uint8x16x2_t turns = vld2q_u8(from);
        low = vpadalq_u8(low, turns.val[0]), high = vpadalq_u8(high, turns.val[1]);
      } else {
        low = vpadalq_u8(low, vld1q_u8(from)), high = vpadalq_u8(high, vld1q_u8(from + 16));
      }
    }
    if constexpr (kStep == 2) {
      const uint16x8x2_t both = {{low, high}};
      vst2q_u16(to, both);
    } else {
      vst1q_u16(to, low), vst1q_u16(to + 8, high);
    }
  }
};

}  // namespace

RowFunctions neon_rows() { return {"neon", direct<NeonLanes>, separable<NeonLanes>, reduced<NeonLanes>}; }

}  // namespace watchkeeper
