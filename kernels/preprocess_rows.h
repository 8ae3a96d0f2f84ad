// Row loops of the pass over a lane type. Included by one file a lane type, which makes L a type of its own: then no
// instance of these templates can be shared between files built for different instruction sets.
#pragma once

#include "fixed_rows.h"
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
      origins[job.taps.y + j] = chroma_row_origin(job, y, j);
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

// 16-bit grey, one point a pixel, none of them near the picture's edge. The same bits as direct_rows.
template <class L, PixelFormat kFormat>
void inside_rows(const Job& job) {
  using F = typename L::F;
  const float a = static_cast<float>(job.affine.a), d = static_cast<float>(job.affine.d);
  const F zero = L::splat(0.0f);
  for (int y = 0; y < job.height; ++y) {
    const RowOrigin o = row_origin(job.affine, 1, y, 0);
    for (int x = 0; x < job.width; x += L::kWidth) {
      const F u = L::splat(static_cast<float>(x)) + L::iota() + 0.5f;
      Sums<L> sums{{zero, zero, zero}, zero};
      add_point<L, kFormat, true>(job, u * a + o.sx, u * d + o.sy, sums);
      F out[3];
      finish<L, true>(job, sums, Shares{}, out);
      store_pixels<L>(job, out, x, y);
    }
  }
}

// The usual crops need one point a pixel, or two by two and one of chroma; knowing it at compile time keeps everything
// in registers (a third faster).
template <class L, PixelFormat kFormat, bool kChroma>
void direct_points(const Job& job) {
  const auto square = [](Taps taps, int n) { return taps.x == n && taps.y == n; };
  if constexpr (format_info(kFormat).sample_bytes == 2) {
    // The last group's lanes beyond the width read, too.
    const int swept = (job.width + L::kWidth - 1) / L::kWidth * L::kWidth;
    if (square(job.taps, 1) && is_inside(job, swept, job.height, kDeepPx)) {
      return inside_rows<typename L::Inside, kFormat>(job);
    }
  }
  if (kChroma && !square(job.chroma_taps, 1)) return direct_rows<L, kFormat, kChroma, 0>(job);
  if (square(job.taps, 1)) return direct_rows<L, kFormat, kChroma, 1>(job);
  if (square(job.taps, 2)) return direct_rows<L, kFormat, kChroma, 2>(job);
  direct_rows<L, kFormat, kChroma, 0>(job);
}

template <class L, PixelFormat kFormat>
void direct_format(const Job& job) {
  if constexpr (format_info(kFormat).sample_bytes == 1) {
    if (job.fixed) return fixed_format<typename L::Inside, kFormat>(job);
  }
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

}  // namespace watchkeeper
