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

// The usual crops need one point a pixel, or two by two and one of chroma; knowing it at compile time keeps everything
// in registers (a third faster).
template <class L, PixelFormat kFormat, bool kChroma>
void direct_points(const Job& job) {
  const auto square = [](Taps taps, int n) { return taps.x == n && taps.y == n; };
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
void sweep_down(const Plane& plane, std::int32_t first_row, const float* weight, int taps, int begin, int end,
                float* row) {
  using F = typename L::F;
  const std::uint8_t* from = plane.data + static_cast<std::int64_t>(first_row) * plane.stride;
  int i = begin;
  if (end - begin >= L::kWidth) {
    for (;; i += L::kWidth) {
      if (i > end - L::kWidth) i = end - L::kWidth;  // the last group overlaps: no byte past the row is touched
      F sum = L::splat(0.0f);
      for (int k = 0; k < taps; ++k) {
        sum = sum + load_samples<L, kSampleBytes>(from + k * static_cast<std::int64_t>(plane.stride), i) * weight[k];
      }
      L::store(row + i, sum);
      if (i == end - L::kWidth) return;
    }
  }
  for (; i < end; ++i) {
    float sum = 0.0f;
    for (int k = 0; k < taps; ++k) {
      const std::uint8_t* source = from + k * static_cast<std::int64_t>(plane.stride);
      sum = sum + load_samples<ScalarLanes, kSampleBytes>(source, i) * weight[k];
    }
    row[i] = sum;
  }
}

template <class L>
void sweep_across(const float* row, const AxisWeights& across, int step, int offset, int width, float* to) {
  using F = typename L::F;
  for (int x = 0; x < width; x += L::kWidth) {
    const typename L::I first = L::load_int(across.first + x) * step + offset;
    F sum = L::splat(0.0f);
    for (int k = 0; k < across.taps; ++k) {
      sum = sum + L::gather(row, first + k * step) * L::load(across.weight + k * width + x);
    }
    L::store(to + x, sum);
  }
}

template <class L>
void separable(const Job& job, const SeparablePlan& plan) {
  using F = typename L::F;
  const FormatInfo info = format_info(job.image.format);
  const int components = job.channels == 1 && info.yuv ? 1 : info.component_count;
  const Shares shares = shares_of(job);
  for (int y = 0; y < job.height; ++y) {
    for (int i = 0; i < components; ++i) {
      const Component& c = info.components[i];
      const AxisPair& axes = plan.axes[info.yuv && i > 0];
      // The row holds what this component needs when the one before shares both its plane and its weights.
      if (i == 0 || c.plane != info.components[i - 1].plane || (info.yuv && i == 1)) {
        const AxisWeights& down = axes.down;
        const auto sweep = info.sample_bytes == 2 ? sweep_down<L, 2> : sweep_down<L, 1>;
        sweep(job.image.planes[c.plane], down.first[y], down.weight + static_cast<std::int64_t>(y) * down.taps,
              down.taps, plan.begin[c.plane], plan.end[c.plane], plan.row);
      }
      sweep_across<L>(plan.row, axes.across, c.step / info.sample_bytes, c.offset / info.sample_bytes,
                      plan.padded_width, plan.sums[i]);
    }
    for (int x = 0; x < job.width; x += L::kWidth) {
      const F zero = L::splat(0.0f);
      Sums<L> sums{{zero, zero, zero}, L::load(plan.cover_x + x) * plan.cover_y[y]};
      for (int i = 0; i < components; ++i) sums.c[i] = L::load(plan.sums[i] + x);
      F out[3];
      finish<L>(job, sums, shares, out);
      store_pixels<L>(job, out, x, y);
    }
  }
}

}  // namespace watchkeeper
