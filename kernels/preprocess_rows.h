// Row loops of the pass over a lane type. Included by one file a lane type, which makes L a type of its own: then no
// instance of these templates can be shared between files built for different instruction sets.
#pragma once

#include "preprocess_cpu.h"
#include "preprocess_store.h"

namespace watchkeeper {

template <class L, PixelFormat kFormat, bool kChroma, int kPoints>
void direct_rows(const Job& job) {
  const Shares shares = shares_of(job);
  for (int y = 0; y < job.height; ++y) {
    RowOrigin origins[2 * kMaxTaps];
    for (int j = 0; j < job.taps.y; ++j) origins[j] = row_origin(job.affine, job.taps.y, y, j);
    for (int j = 0; j < job.chroma_taps.y; ++j) {
      origins[job.taps.y + j] = row_origin(job.affine, job.chroma_taps.y, y, j);
    }
    const auto origin = [&](int j) { return origins[j]; };
    const auto chroma_origin = [&](int j) { return origins[job.taps.y + j]; };
    for (int x = 0; x < job.width; x += L::kWidth) {
      const Sums<L> sums = sums_at<L, kFormat, kChroma, kPoints>(job, origin, chroma_origin, x);
      typename L::F out[3];
      finish<L>(job, sums, shares, out);
      store_pixels<L>(job, out, x, y);
    }
  }
}

// The usual face crop: one point a pixel, none of them near the picture's edge. The same bits as direct_rows.
template <class L, PixelFormat kFormat, bool kChroma, int kLayout>
void inside_rows(const Job& asked) {
  using F = typename L::F;
  Job job = asked;  // a copy: nothing that is written can change it
  if (kLayout >= 0) job.channels = 3, job.planar = kLayout != 0, job.element = Element::kFloat32;
  const float a = static_cast<float>(job.affine.a), d = static_cast<float>(job.affine.d);
  const F zero = L::splat(0.0f);
  for (int y = 0; y < job.height; ++y) {
    const RowOrigin o = row_origin(job.affine, 1, y, 0);
    for (int x = 0; x < job.width; x += L::kWidth) {
      const F u = L::splat(static_cast<float>(x)) + L::iota() + 0.5f, sx = u * a + o.sx, sy = u * d + o.sy;
      Sums<L> sums{{zero, zero, zero}, zero};
      add_point<L, kFormat, true>(job.image, true, sx, sy, sums);
      if constexpr (kChroma) add_chroma_point<L, kFormat, true>(job.image, sx, sy, sums);
      F out[3];
      finish<L, true>(job, sums, Shares{}, out);
      store_pixels<L>(job, out, x, y);
    }
  }
}

template <class L, PixelFormat kFormat, bool kChroma>
void inside_layout(const Job& job) {
  if (job.channels == 3 && job.element == Element::kFloat32) {
    if (job.planar) return inside_rows<L, kFormat, kChroma, 1>(job);
    return inside_rows<L, kFormat, kChroma, 0>(job);
  }
  inside_rows<L, kFormat, kChroma, -1>(job);
}

// The usual crops need one point a pixel, or two by two and one of chroma; knowing it at compile time keeps everything
// in registers (a third faster).
template <class L, PixelFormat kFormat, bool kChroma>
void direct_points(const Job& job) {
  const auto square = [](Taps taps, int n) { return taps.x == n && taps.y == n; };
  // The last group's lanes beyond the width read, too.
  const int swept = (job.width + L::kWidth - 1) / L::kWidth * L::kWidth;
  if (square(job.taps, 1) && (!kChroma || square(job.chroma_taps, 1)) && is_inside(job, swept, kDeepPx)) {
    return inside_layout<typename L::Inside, kFormat, kChroma>(job);
  }
  if (kChroma && !square(job.chroma_taps, 1)) return direct_rows<L, kFormat, kChroma, 0>(job);
  if (square(job.taps, 1)) return direct_rows<L, kFormat, kChroma, 1>(job);
  if (square(job.taps, 2)) return direct_rows<L, kFormat, kChroma, 2>(job);
  direct_rows<L, kFormat, kChroma, 0>(job);
}

template <class L, PixelFormat kFormat>
void direct_format(const Job& job) {
  if constexpr (format_info(kFormat).yuv) {
    if (job.channels == 3) return direct_points<L, kFormat, true>(job);
  }
  direct_points<L, kFormat, false>(job);
}

template <class L>
void direct(const Job& job) {
  switch (job.image.format) {
    case PixelFormat::kI420: return direct_format<L, PixelFormat::kI420>(job);
    case PixelFormat::kNv12: return direct_format<L, PixelFormat::kNv12>(job);
    case PixelFormat::kGrey8: return direct_format<L, PixelFormat::kGrey8>(job);
    case PixelFormat::kRgb24: return direct_format<L, PixelFormat::kRgb24>(job);
    case PixelFormat::kBgr24: return direct_format<L, PixelFormat::kBgr24>(job);
    case PixelFormat::kYuyv: return direct_format<L, PixelFormat::kYuyv>(job);
    case PixelFormat::kUyvy: return direct_format<L, PixelFormat::kUyvy>(job);
    case PixelFormat::kGrey10: return direct_format<L, PixelFormat::kGrey10>(job);
    case PixelFormat::kGrey16: return direct_format<L, PixelFormat::kGrey16>(job);
    case PixelFormat::kRgba32: return direct_format<L, PixelFormat::kRgba32>(job);
    case PixelFormat::kBgra32: return direct_format<L, PixelFormat::kBgra32>(job);
  }
}

template <class L, int kSampleBytes>
WK_HOST_DEVICE typename L::F load_samples(const std::uint8_t* row, int i) {
  if constexpr (kSampleBytes == 2) {
    return L::load_words(row + 2 * static_cast<std::int64_t>(i));
  } else {
    return L::load_bytes(row + i);
  }
}

// Weighted sum of source rows for the samples [begin, end) of a plane, into row[begin..end).
template <class L, int kSampleBytes>
void sweep_down(const Plane& plane, const DownWeights& down, int y, int begin, int end, float* row) {
  using F = typename L::F;
  const std::int64_t stride = plane.stride;
  const std::uint8_t* from = plane.data + down.first[y] * stride;
  const float* weight = down.weight + static_cast<std::int64_t>(y) * down.taps;
  const int count = down.count[y];
  int i = begin;
  if (kSampleBytes == 1 && down.plain[y] && count <= 257) {
    for (; i + 16 <= end; i += 16) L::add_rows(from + i, stride, count, row + i);
    if (i < end && end - begin >= 16) {
      L::add_rows(from + end - 16, stride, count, row + end - 16);
      return;
    }
  } else if (end - begin >= L::kWidth) {
    for (;; i += L::kWidth) {
      if (i > end - L::kWidth) i = end - L::kWidth;  // the last group overlaps: no byte past the row is touched
      F sum = L::splat(0.0f);
      for (int k = 0; k < count; ++k) {
        sum = sum + load_samples<L, kSampleBytes>(from + k * stride, i) * weight[k];
      }
      L::store(row + i, sum);
      if (i == end - L::kWidth) return;
    }
  }
  for (; i < end; ++i) {
    float sum = 0.0f;
    for (int k = 0; k < count; ++k) {
      sum = sum + load_samples<ScalarLanes, kSampleBytes>(from + k * stride, i) * weight[k];
    }
    row[i] = sum;
  }
}

template <class L>
void sweep_across(const float* row, const AcrossWeights& across, int offset, int width, float* to) {
  const std::int64_t size = static_cast<std::int64_t>(across.blocks) * 8;
  for (int x = 0; x < width; x += kPad) {
    L::dots(row + offset, across.first + x, across.weight + x * size, across.blocks, to + x);
  }
}

template <class L>
void separable(const Job& job, const SeparablePlan& plan) {
  using F = typename L::F;
  const FormatInfo info = format_info(job.image.format);
  const int components = job.channels == 1 && info.yuv ? 1 : info.component_count;
  const Shares shares = shares_of(job);
  for (int y = 0; y < job.height; ++y) {
    // A row of the border (letterboxing) has no sums: whatever they were, their share of the output is 0.
    const int read = plan.cover_y[y] > 0.0f ? components : 0;
    for (int i = 0; i < read; ++i) {
      const Component& c = info.components[i];
      const AxisPair& axes = plan.axes[info.yuv && i > 0];
      // The row holds what this component needs when the one before shares both its plane and its weights.
      if (i == 0 || c.plane != info.components[i - 1].plane || (info.yuv && i == 1)) {
        const auto sweep = info.sample_bytes == 2 ? sweep_down<L, 2> : sweep_down<L, 1>;
        sweep(job.image.planes[c.plane], axes.down, y, plan.begin[c.plane], plan.end[c.plane], plan.row);
      }
      sweep_across<L>(plan.row, axes.across, c.offset / info.sample_bytes, plan.padded_width, plan.sums[i]);
    }
    for (int x = 0; x < job.width; x += L::kWidth) {
      const F zero = L::splat(0.0f);
      Sums<L> sums{{zero, zero, zero}, L::load(plan.cover_x + x) * plan.cover_y[y]};
      for (int i = 0; i < read; ++i) sums.c[i] = L::load(plan.sums[i] + x);
      F out[3];
      finish<L>(job, sums, shares, out);
      store_pixels<L>(job, out, x, y);
    }
  }
}

}  // namespace watchkeeper
