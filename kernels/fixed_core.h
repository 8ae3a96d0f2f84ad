// The usual crop in whole numbers: an 8-bit picture, one point a pixel, every point so far inside the picture that nothing
// reaches its edge. The same pixels as preprocess_core.h gives, within what is written here:
//   positions are whole 2^-16 of a sample along a row, from an origin in 2^-32 a row, and weights whole 1/128 (a position
//   is rounded by at most 1/256 of a sample; along a row of kFixedMostColumns a step adds at most as much again);
//   a sample counts as level - 128, and two are mixed to 1/128 of a level: first across, which is exact, then down,
//   rounded half up;
//   the transform, scale and bias are one set of single-precision coefficients, limited to what 0..255 become.
// Whole numbers come out the same whatever their order; the float operations keep theirs.
#pragma once

#include "preprocess_core.h"

namespace watchkeeper {

constexpr int kFixedMostColumns = 1024;
// Columns and rows are swept in whole groups of these: points beyond the output have to be inside the picture, too.
constexpr int kFixedColumns = 16, kFixedRows = 2;

struct FixedOrigin {
  std::int32_t x, y;
};

WK_HOST_DEVICE FixedOrigin fixed_origin(const FixedMap& map, int row) {
  return {static_cast<std::int32_t>((map.c + map.b * row) >> 16), static_cast<std::int32_t>((map.f + map.e * row) >> 16)};
}

template <class L>
struct FixedPoints {
  typename L::I x, y;        // of the first of the four samples in the upper 16 bits
  typename L::Words fx, fy;  // the lower 16 bits, how far beyond it
};

template <class L>
WK_HOST_DEVICE FixedPoints<L> fixed_points(const FixedMap& map, FixedOrigin row, int column) {
  const std::int32_t x = row.x + column * map.a, y = row.y + column * map.d;
  return {L::ramp(x, map.a), L::ramp(y, map.d), L::ramp_words(x, map.a), L::ramp_words(y, map.d)};
}

// What lies `columns` further on than something else; and going there.
template <class L>
WK_HOST_DEVICE FixedPoints<L> fixed_step(const FixedMap& map, int columns) {
  const std::int32_t x = columns * map.a, y = columns * map.d;
  return {L::splat_int(x), L::splat_int(y), L::ramp_words(x, 0), L::ramp_words(y, 0)};
}

template <class L>
WK_HOST_DEVICE FixedPoints<L> fixed_after(const FixedPoints<L>& at, const FixedPoints<L>& step) {
  return {at.x + step.x, at.y + step.y, L::add_words(at.fx, step.fx), L::add_words(at.fy, step.fy)};
}

// One component at the points, in 1/128 of a level about level 128.
template <class L, PixelFormat kFormat, int kComponent>
WK_HOST_DEVICE typename L::Words fixed_sample(const Job& job, const FixedPoints<L>& at) {
  constexpr Component c = format_info(kFormat).components[kComponent];
  const typename L::Words tx = L::weight7(at.fx), ty = L::weight7(at.fy);
  if constexpr (L::kBoxes) {
    const int x = at.x >> 16, y = at.y >> 16;
    const auto pair = [&](int row) {
      return box_sample<1>(job.image, c, job.level, x, row) | box_sample<1>(job.image, c, job.level, x + 1, row) << 8;
    };
    return L::mix_words(L::mix_pairs(pair(y), tx), L::mix_pairs(pair(y + 1), tx), ty);
  } else {
    const Plane& plane = job.image.planes[c.plane];
    typename L::Pairs upper, lower;
    L::template gather_pairs<c.step>(plane.data + c.offset, plane.stride, L::offsets(at.x, at.y, plane.stride, c.step),
                                     upper, lower);
    return L::mix_words(L::mix_pairs(upper, tx), L::mix_pairs(lower, tx), ty);
  }
}

// What the three channels have beside component 0: of the chroma points (column, row) on.
template <class L>
struct FixedTerms {
  typename L::F k[3];
};

template <class L>
WK_HOST_DEVICE FixedTerms<L> fixed_terms(const FixedColor& color, typename L::F f1, typename L::F f2) {
  FixedTerms<L> terms;
  for (int k = 0; k < 3; ++k) terms.k[k] = (f1 * color.m[k][1] + f2 * color.m[k][2]) + color.m[k][3];
  return terms;
}

template <class L, PixelFormat kFormat>
WK_HOST_DEVICE FixedTerms<L> fixed_chroma(const Job& job, const FixedPoints<L>& at) {
  constexpr FormatInfo kInfo = format_info(kFormat);
  constexpr Component c1 = kInfo.components[1], c2 = kInfo.components[2];
  typename L::F f1, f2;
  if constexpr (c1.plane == c2.plane && c1.step == 2 && !L::kBoxes) {
    const Plane& plane = job.image.planes[c1.plane];
    L::mix_two(plane.data, plane.stride, L::offsets(at.x, at.y, plane.stride, 2), at.x, at.y, f1, f2);
  } else {
    f1 = L::to_float_words(fixed_sample<L, kFormat, 1>(job, at));
    f2 = L::to_float_words(fixed_sample<L, kFormat, 2>(job, at));
  }
  return fixed_terms<L>(job.fixed_color, f1, f2);
}

// The output channels of the pixels at the points, before rounding to bytes. `terms`: unused by RGB, which has its own.
// kAlike: of component 0, all channels take the same, and all have the same limits.
template <class L, PixelFormat kFormat, bool kAlike = false>
WK_HOST_DEVICE void fixed_pixels(const Job& job, const FixedTerms<L>& terms, const FixedPoints<L>& at,
                                 typename L::F out[3]) {
  constexpr FormatInfo kInfo = format_info(kFormat);
  const FixedColor& color = job.fixed_color;
  const typename L::F first = L::to_float_words(fixed_sample<L, kFormat, 0>(job, at));
  FixedTerms<L> own = terms;
  if constexpr (!kInfo.yuv && kInfo.component_count == 3) {
    own = fixed_terms<L>(color, L::to_float_words(fixed_sample<L, kFormat, 1>(job, at)),
                         L::to_float_words(fixed_sample<L, kFormat, 2>(job, at)));
  }
  for (int k = 0; k < job.channels; ++k) {
    const int like = kAlike ? 0 : k;
    out[k] = L::min(L::max(first * color.m[like][0] + own.k[k], L::splat(color.low[like])), L::splat(color.high[like]));
  }
}

// Without chroma: one colour's grey.
template <class L>
WK_HOST_DEVICE FixedTerms<L> fixed_constant(const FixedColor& color) {
  return {{L::splat(color.m[0][3]), L::splat(color.m[1][3]), L::splat(color.m[2][3])}};
}

}  // namespace watchkeeper
