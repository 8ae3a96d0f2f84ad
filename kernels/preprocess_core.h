// The per-pixel maths of the fused crop, rotate, scale, colour-convert and normalise pass: the single source of it,
// written over a lane type L (one pixel: ScalarLanes, also on the GPU; eight: preprocess_avx2.cc). Every operation is a
// plain IEEE single one in a fixed order, so all lane types give the same bits (build with -ffp-contract=off).
//
// What one output pixel (x, y) is:
//   where the region is turned and reduced by two or more, the picture is averaged in squares first (box_core.h), and
//   everything below is in samples of that smaller picture;
//   its square is sampled at taps.x by taps.y points, (x + (i + 0.5) / taps.x, y + (j + 0.5) / taps.y);
//   the affine maps each point to source pixels, where pixel (0, 0) covers [0, 1) x [0, 1);
//   each point reads luma (or R, G and B) bilinearly, held constant beyond the outermost sample centres;
//   each point counts by how much it is in the picture: 1 inside, 0 outside, a ramp one pixel wide across the edge;
//   chroma is the plain mean of its own chroma_taps points: its grid is coarser and needs fewer; where even one a pixel
//   is more than the grid holds, neighbouring pixels share the point in the middle of the pair or square;
//   the mean goes through the colour transform, is clamped to 0..255 and mixed with the border colour by the share that
//   was outside; then value * scale + bias.
// Crops of 8-bit pictures that stay clear of the edge are worked out in whole numbers instead: fixed_core.h.
#pragma once

#include "box_core.h"
#include "color.h"

namespace watchkeeper {

constexpr int kMaxTaps = 64;
constexpr int kMaxRegions = 8;  // of one picture in one call or launch

// The numbers are shared with watchkeeper.preprocess.cpu.
enum class Element : int { kFloat32 = 0, kUint8 = 1, kFloat16 = 2 };
WK_HOST_DEVICE constexpr int element_bytes(Element element) {
  return element == Element::kFloat32 ? 4 : element == Element::kFloat16 ? 2 : 1;
}

// Output to source: sx = a (x + 0.5) + b (y + 0.5) + c; sy = d (x + 0.5) + e (y + 0.5) + f.
struct Affine {
  double a, b, c, d, e, f;
};

struct Taps {
  int x = 1, y = 1;
};

// Output to samples in whole numbers; see fixed_core.h.
struct FixedMap {
  std::int64_t b = 0, c = 0, e = 0, f = 0;  // 1 is 2^32
  std::int32_t a = 0, d = 0;                // 1 is 2^16
};

// The transform, scale and bias as one, for what fixed_core.h interpolates; and what black and white become.
struct FixedColor {
  float m[3][4] = {};
  float low[3] = {}, high[3] = {};
};

struct Job {
  ImageView image;
  Affine affine;
  Taps taps, chroma_taps;
  int level = 0;               // the picture is averaged in squares of 2^level
  int pair_x = 0, pair_y = 0;  // 1: two neighbouring output pixels share a chroma point
  ColorTransform color;
  int width = 0, height = 0, channels = 3;
  bool planar = false;     // NCHW instead of NHWC
  Element element = Element::kFloat32;
  bool replicate = false;  // no border colour: the picture's edge goes on for ever
  float scale[3] = {1, 1, 1}, bias[3] = {0, 0, 0}, border[3] = {0, 0, 0};
  void* out = nullptr;
  // Filled by prepared(), which also scales the affine to the reduced picture:
  float extent_x = 0, extent_y = 0;  // of the picture, in samples of the reduced one
  bool fixed = false;
  FixedMap luma_map, chroma_map;
  FixedColor fixed_color;
};

// The part of the affine that is constant along one row of sample points; in double so that long rows do not drift.
struct RowOrigin {
  float sx, sy;
};

WK_HOST_DEVICE RowOrigin row_at(const Affine& m, double v) {
  return {static_cast<float>(m.b * v + m.c), static_cast<float>(m.e * v + m.f)};
}

WK_HOST_DEVICE RowOrigin row_origin(const Affine& m, int taps_y, int y, int j) {
  return row_at(m, y + (j + 0.5) / taps_y);
}

// Of the chroma points of output row y.
WK_HOST_DEVICE RowOrigin chroma_row_origin(const Job& job, int y, int j) {
  return job.pair_y ? row_at(job.affine, y | 1) : row_origin(job.affine, job.chroma_taps.y, y, j);
}

// Where in its pixel the i-th of `taps` points is, 0..1.
WK_HOST_DEVICE float tap_position(int i, int taps) {
  return (static_cast<float>(i) + 0.5f) / static_cast<float>(taps);
}

// Two neighbouring samples on one axis and how far the point is from the first to the second.
template <class L>
struct AxisTap {
  typename L::I first, second;
  typename L::F t;
};

// kInside here and below: the point is known to be so deep in the picture that no limit and no weight can change it.
template <class L, bool kInside = false>
WK_HOST_DEVICE AxisTap<L> axis_tap(typename L::F position, int extent) {
  if constexpr (kInside) {
    const typename L::F at = position - 0.5f;
    const typename L::I before = L::truncate(at);
    return {before, before + 1, at - L::to_float(before)};
  }
  const typename L::F last = L::splat(static_cast<float>(extent - 1));
  const typename L::F p = L::min(L::max(position - 0.5f, L::splat(0.0f)), last);
  const typename L::I first = L::truncate(p);
  return {first, L::min_int(first + 1, L::splat_int(extent - 1)), p - L::to_float(first)};
}

template <class L>
WK_HOST_DEVICE typename L::F lerp(typename L::F a, typename L::F b, typename L::F t) {
  return a + t * (b - a);
}

// The rows of samples that a point lies between and where its first sample is in each.
template <class L>
struct RowPair {
  const std::uint8_t *upper, *lower;
  std::int32_t upper_size, lower_size;  // bytes that may be read from there
  typename L::I upper_at, lower_at;
};

template <class L, bool kInside>
WK_HOST_DEVICE RowPair<L> row_pair(const Plane& plane, typename L::I column, const AxisTap<L>& y) {
  const typename L::I at = y.first * plane.stride + column;
  // Inside, the lower row is always the next: one set of offsets does for both.
  if constexpr (kInside) {
    return {plane.data, plane.data + plane.stride, plane.size, plane.size - plane.stride, at, at};
  }
  return {plane.data, plane.data, plane.size, plane.size, at, y.second * plane.stride + column};
}

// At the last column t is 0, so what stands in the byte after it (padding, the next row, nothing) does not matter.
template <class L, PixelFormat kFormat, int kComponent, bool kInside = false>
WK_HOST_DEVICE typename L::F bilinear(const Job& job, const AxisTap<L>& x, const AxisTap<L>& y) {
  constexpr FormatInfo kInfo = format_info(kFormat);
  constexpr Component c = kInfo.components[kComponent];
  constexpr int kBytes = kInfo.sample_bytes;
  typename L::F p00, p01, p10, p11;
  if constexpr (L::kBoxes) {
    p00 = static_cast<float>(box_sample<kBytes>(job.image, c, job.level, x.first, y.first));
    p01 = static_cast<float>(box_sample<kBytes>(job.image, c, job.level, x.second, y.first));
    p10 = static_cast<float>(box_sample<kBytes>(job.image, c, job.level, x.first, y.second));
    p11 = static_cast<float>(box_sample<kBytes>(job.image, c, job.level, x.second, y.second));
  } else {
    const RowPair<L> r = row_pair<L, kInside>(job.image.planes[c.plane], x.first * c.step + c.offset, y);
    if constexpr (kBytes == 2) {
      L::load_word_pair(r.upper, r.upper_size, r.upper_at, p00, p01);
      L::load_word_pair(r.lower, r.lower_size, r.lower_at, p10, p11);
    } else {
      L::template load_pair<c.step>(r.upper, r.upper_size, r.upper_at, p00, p01);
      L::template load_pair<c.step>(r.lower, r.lower_size, r.lower_at, p10, p11);
    }
  }
  return lerp<L>(lerp<L>(p00, p01, x.t), lerp<L>(p10, p11, x.t), y.t);
}

// How much of a one-pixel-wide box about `position` lies in [0, extent].
template <class L>
WK_HOST_DEVICE typename L::F coverage(typename L::F position, float extent) {
  const typename L::F inside = L::min(position, extent - position) + 0.5f;
  return L::min(L::max(inside, L::splat(0.0f)), L::splat(1.0f));
}

// Sums over the points of one pixel: luma (or R, G, B) times its weight, the weights, and chroma unweighted.
template <class L>
struct Sums {
  typename L::F c[3];
  typename L::F weight;
};

template <class L, PixelFormat kFormat, bool kInside = false>
WK_HOST_DEVICE void add_point(const Job& job, typename L::F sx, typename L::F sy, Sums<L>& sums) {
  constexpr FormatInfo kInfo = format_info(kFormat);
  const int level = L::kBoxes ? job.level : 0;
  typename L::F weight = L::splat(1.0f);
  if (!kInside && !job.replicate) weight = coverage<L>(sx, job.extent_x) * coverage<L>(sy, job.extent_y);
  sums.weight = sums.weight + weight;
  const AxisTap<L> x = axis_tap<L, kInside>(sx, reduced_extent(job.image.width, 0, level));
  const AxisTap<L> y = axis_tap<L, kInside>(sy, reduced_extent(job.image.height, 0, level));
  sums.c[0] = sums.c[0] + weight * bilinear<L, kFormat, 0, kInside>(job, x, y);
  if constexpr (!kInfo.yuv && kInfo.component_count == 3) {
    sums.c[1] = sums.c[1] + weight * bilinear<L, kFormat, 1>(job, x, y);
    sums.c[2] = sums.c[2] + weight * bilinear<L, kFormat, 2>(job, x, y);
  }
}

template <class L, PixelFormat kFormat>
WK_HOST_DEVICE void add_chroma_point(const Job& job, typename L::F sx, typename L::F sy, Sums<L>& sums) {
  constexpr FormatInfo kInfo = format_info(kFormat);
  constexpr Component c1 = kInfo.components[1], c2 = kInfo.components[2];
  const int level = L::kBoxes ? job.level : 0;
  const typename L::F px = c1.shift_x ? sx * 0.5f : sx, py = c1.shift_y ? sy * 0.5f : sy;
  const AxisTap<L> x = axis_tap<L>(px, reduced_extent(job.image.width, c1.shift_x, level));
  const AxisTap<L> y = axis_tap<L>(py, reduced_extent(job.image.height, c1.shift_y, level));
  if constexpr (c1.plane == c2.plane && c1.step == 2 && !L::kBoxes) {
    const RowPair<L> r = row_pair<L, false>(job.image.planes[c1.plane], x.first * 2, y);
    typename L::F u00, u01, u10, u11, v00, v01, v10, v11;
    L::load_two_pairs(r.upper, r.upper_size, r.upper_at, u00, v00, u01, v01);
    L::load_two_pairs(r.lower, r.lower_size, r.lower_at, u10, v10, u11, v11);
    sums.c[1] = sums.c[1] + lerp<L>(lerp<L>(u00, u01, x.t), lerp<L>(u10, u11, x.t), y.t);
    sums.c[2] = sums.c[2] + lerp<L>(lerp<L>(v00, v01, x.t), lerp<L>(v10, v11, x.t), y.t);
  } else {
    sums.c[1] = sums.c[1] + bilinear<L, kFormat, 1>(job, x, y);
    sums.c[2] = sums.c[2] + bilinear<L, kFormat, 2>(job, x, y);
  }
}

// All points of the pixels from column x on, one pixel a lane. origin(j), chroma_origin(j): of the j-th row of points.
// kPoints: luma's points each way, with one of chroma; 0 where only the job knows.
template <class L, PixelFormat kFormat, bool kChroma, int kPoints, class Origin, class ChromaOrigin>
WK_HOST_DEVICE Sums<L> sums_at(const Job& job, const Origin& origin, const ChromaOrigin& chroma_origin, int x) {
  using F = typename L::F;
  const float a = static_cast<float>(job.affine.a), d = static_cast<float>(job.affine.d);
  const F left = L::splat(static_cast<float>(x)) + L::iota(), zero = L::splat(0.0f);
  const Taps taps = kPoints ? Taps{kPoints, kPoints} : job.taps, chroma_taps = kPoints ? Taps{} : job.chroma_taps;
  Sums<L> sums{{zero, zero, zero}, zero};
  for (int i = 0; i < taps.x; ++i) {
    const F u = left + tap_position(i, taps.x);
    for (int j = 0; j < taps.y; ++j) {
      const RowOrigin o = origin(j);
      add_point<L, kFormat>(job, u * a + o.sx, u * d + o.sy, sums);
    }
  }
  if constexpr (kChroma) {
    for (int i = 0; i < chroma_taps.x; ++i) {
      const F u = job.pair_x ? L::pair_centres(x) : left + tap_position(i, chroma_taps.x);
      for (int j = 0; j < chroma_taps.y; ++j) {
        const RowOrigin o = chroma_origin(j);
        add_chroma_point<L, kFormat>(job, u * a + o.sx, u * d + o.sy, sums);
      }
    }
  }
  return sums;
}

// One over the number of points.
struct Shares {
  float fine, chroma;
};

WK_HOST_DEVICE Shares shares_of(const Job& job) {
  return {1.0f / static_cast<float>(job.taps.x * job.taps.y),
          1.0f / static_cast<float>(job.chroma_taps.x * job.chroma_taps.y)};
}

// From the sums to the output channels, before rounding to bytes. kOne: of one point that is inside.
template <class L, bool kOne = false>
WK_HOST_DEVICE void finish(const Job& job, const Sums<L>& sums, Shares shares, typename L::F out[3]) {
  const typename L::F inverse = L::reciprocal_or_zero(sums.weight);
  const typename L::F others = format_info(job.image.format).yuv ? L::splat(shares.chroma) : inverse;
  const typename L::F inside = sums.weight * shares.fine;
  const typename L::F c0 = kOne ? sums.c[0] : sums.c[0] * inverse, c1 = kOne ? sums.c[1] : sums.c[1] * others;
  const typename L::F c2 = kOne ? sums.c[2] : sums.c[2] * others;
  for (int k = 0; k < job.channels; ++k) {
    const float* m = job.color.m[k];
    const typename L::F raw = ((c0 * m[0] + c1 * m[1]) + c2 * m[2]) + m[3];
    const typename L::F value = L::min(L::max(raw, L::splat(0.0f)), L::splat(255.0f));
    const typename L::F mixed = kOne ? value : value * inside + (1.0f - inside) * job.border[k];
    out[k] = mixed * job.scale[k] + job.bias[k];
  }
}

}  // namespace watchkeeper
