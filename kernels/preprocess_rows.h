// Row loops of the pass over a lane type. Included by one file a lane type, which makes L a type of its own: then no
// instance of these templates can be shared between files built for different instruction sets.
#pragma once

#include "preprocess_cpu.h"

namespace watchkeeper {

template <class L>
WK_HOST_DEVICE void store_pixels(const Job& job, typename L::F out[3], int x, int y) {
  constexpr int kW = L::kWidth;
  const int count = job.width - x < kW ? job.width - x : kW;
  const std::int64_t plane = static_cast<std::int64_t>(job.width) * job.height;
  const std::int64_t pixel = static_cast<std::int64_t>(y) * job.width + x;
  if (job.bytes) {
    std::uint8_t* to = static_cast<std::uint8_t*>(job.out);
    const std::int64_t step = job.planar ? 1 : job.channels;
    std::uint8_t buffer[kW];
    for (int k = 0; k < job.channels; ++k) {
      L::store_bytes(buffer, out[k]);
      std::uint8_t* first = to + (job.planar ? k * plane + pixel : pixel * job.channels + k);
      for (int i = 0; i < count; ++i) first[i * step] = buffer[i];
    }
    return;
  }
  float* to = static_cast<float*>(job.out);
  float buffer[3 * kW];
  if (job.planar || job.channels == 1) {
    for (int k = 0; k < job.channels; ++k) {
      float* first = to + k * plane + pixel;
      L::store(count == kW ? first : buffer, out[k]);
      if (count < kW) {
        for (int i = 0; i < count; ++i) first[i] = buffer[i];
      }
    }
    return;
  }
  float* first = to + pixel * 3;
  L::store_interleaved(count == kW ? first : buffer, out[0], out[1], out[2]);
  if (count < kW) {
    for (int i = 0; i < 3 * count; ++i) first[i] = buffer[i];
  }
}

// All points of the pixels from column x on, one pixel a lane. `origins` holds the row's, luma's first. kPoints: luma's
// points each way, with one of chroma; 0 where only the job knows.
template <class L, PixelFormat kFormat, bool kChroma, int kPoints>
WK_HOST_DEVICE Sums<L> sums_at(const Job& job, const RowOrigin* origins, float a, float d, int x) {
  using F = typename L::F;
  const F left = L::splat(static_cast<float>(x)) + L::iota(), zero = L::splat(0.0f);
  const Taps taps = kPoints ? Taps{kPoints, kPoints} : job.taps, chroma_taps = kPoints ? Taps{} : job.chroma_taps;
  Sums<L> sums{{zero, zero, zero}, zero};
  for (int i = 0; i < taps.x; ++i) {
    const F u = left + tap_position(i, taps.x);
    for (int j = 0; j < taps.y; ++j) {
      add_point<L, kFormat>(job.image, job.replicate, u * a + origins[j].sx, u * d + origins[j].sy, sums);
    }
  }
  if constexpr (kChroma) {
    const RowOrigin* chroma_origins = origins + taps.y;
    for (int i = 0; i < chroma_taps.x; ++i) {
      const F u = left + tap_position(i, chroma_taps.x);
      for (int j = 0; j < chroma_taps.y; ++j) {
        add_chroma_point<L, kFormat>(job.image, u * a + chroma_origins[j].sx, u * d + chroma_origins[j].sy, sums);
      }
    }
  }
  return sums;
}

template <class L, PixelFormat kFormat, bool kChroma, int kPoints>
void direct_rows(const Job& job) {
  const float a = static_cast<float>(job.affine.a), d = static_cast<float>(job.affine.d);
  const Shares shares = shares_of(job);
  for (int y = 0; y < job.height; ++y) {
    RowOrigin origins[2 * kMaxTaps];
    for (int j = 0; j < job.taps.y; ++j) origins[j] = row_origin(job.affine, job.taps.y, y, j);
    for (int j = 0; j < job.chroma_taps.y; ++j) {
      origins[job.taps.y + j] = row_origin(job.affine, job.chroma_taps.y, y, j);
    }
    for (int x = 0; x < job.width; x += L::kWidth) {
      const Sums<L> sums = sums_at<L, kFormat, kChroma, kPoints>(job, origins, a, d, x);
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
  }
}

// Weighted sum of source rows for the bytes [begin, end) of a plane, into row[begin..end).
template <class L>
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
        sum = sum + L::load_bytes(from + static_cast<std::int64_t>(k) * plane.stride + i) * weight[k];
      }
      L::store(row + i, sum);
      if (i == end - L::kWidth) return;
    }
  }
  for (; i < end; ++i) {
    float sum = 0.0f;
    for (int k = 0; k < taps; ++k) {
      sum = sum + static_cast<float>(from[static_cast<std::int64_t>(k) * plane.stride + i]) * weight[k];
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
        sweep_down<L>(job.image.planes[c.plane], down.first[y], down.weight + static_cast<std::int64_t>(y) * down.taps,
                      down.taps, plan.begin[c.plane], plan.end[c.plane], plan.row);
      }
      sweep_across<L>(plan.row, axes.across, c.step, c.offset, plan.padded_width, plan.sums[i]);
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
