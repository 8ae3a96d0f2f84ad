// Row loops of fixed_core.h over a lane type; see preprocess_rows.h.
#pragma once

#include "fixed_core.h"
#include "preprocess_store.h"

namespace watchkeeper {

// The chroma terms of one group of lanes, or of the two groups that share its points.
template <class L, PixelFormat kFormat, bool kChroma, bool kTwo>
WK_HOST_DEVICE void fixed_group_terms(const Job& job, const FixedPoints<L>& at, FixedTerms<L> terms[2]) {
  if constexpr (kChroma) {
    terms[0] = fixed_chroma<L, kFormat>(job, at);
    if constexpr (kTwo && L::kWidth > 1) {
      for (int k = 0; k < 3; ++k) {
        typename L::F both[2];
        L::twice(terms[0].k[k], both);
        terms[0].k[k] = both[0], terms[1].k[k] = both[1];
      }
    }
  } else {
    terms[0] = terms[1] = fixed_constant<L>(job.fixed_color);
  }
}

// Columns from `begin` on of `rows` rows that share their chroma points, in groups of two where columns share them.
template <class L, PixelFormat kFormat, bool kChroma, bool kTwo>
WK_HOST_DEVICE void fixed_any(const Job& job, int top, int rows, int begin) {
  constexpr int kGroups = kTwo && L::kWidth > 1 ? 2 : 1;
  const FixedOrigin chroma = fixed_origin(job.chroma_map, top >> job.pair_y);
  for (int left = begin; left < job.width; left += kGroups * L::kWidth) {
    FixedTerms<L> terms[2];
    const FixedPoints<L> at = fixed_points<L>(job.chroma_map, chroma, left >> job.pair_x);
    fixed_group_terms<L, kFormat, kChroma, kTwo>(job, at, terms);
    for (int y = top; y < top + rows && y < job.height; ++y) {
      const FixedOrigin row = fixed_origin(job.luma_map, y);
      for (int g = 0; g < kGroups && left + g * L::kWidth < job.width; ++g) {
        typename L::F out[3];
        fixed_pixels<L, kFormat>(job, terms[g], fixed_points<L>(job.luma_map, row, left + g * L::kWidth), out);
        store_pixels<L>(job, out, left + g * L::kWidth, y);
      }
    }
  }
}

// What engines ask for most, of YUV: two rows and two groups at a time, everything known at compile time. The columns
// done; the rest is fixed_any's.
template <class L, PixelFormat kFormat, bool kPlanar>
WK_HOST_DEVICE int fixed_squares(const Job& job, int top) {
  constexpr int kColumns = 2 * L::kWidth;
  FixedPoints<L> chroma = fixed_points<L>(job.chroma_map, fixed_origin(job.chroma_map, top / 2), 0);
  FixedPoints<L> upper = fixed_points<L>(job.luma_map, fixed_origin(job.luma_map, top), 0);
  FixedPoints<L> lower = fixed_points<L>(job.luma_map, fixed_origin(job.luma_map, top + 1), 0);
  const FixedPoints<L> step = fixed_step<L>(job.luma_map, L::kWidth);
  const FixedPoints<L> chroma_step = fixed_step<L>(job.chroma_map, L::kWidth);
  int left = 0;
  for (; left + kColumns <= job.width; left += kColumns) {
    FixedTerms<L> terms[2];
    fixed_group_terms<L, kFormat, true, true>(job, chroma, terms);
    chroma = fixed_after<L>(chroma, chroma_step);
    for (int g = 0; g < 2; ++g) {
      typename L::F out[3];
      fixed_pixels<L, kFormat, true>(job, terms[g], upper, out);
      store_whole<L, kPlanar>(job, out, left + g * L::kWidth, top);
      fixed_pixels<L, kFormat, true>(job, terms[g], lower, out);
      store_whole<L, kPlanar>(job, out, left + g * L::kWidth, top + 1);
      upper = fixed_after<L>(upper, step), lower = fixed_after<L>(lower, step);
    }
  }
  return left;
}

WK_HOST_DEVICE bool alike(const FixedColor& color) {
  for (int k = 1; k < 3; ++k) {
    if (color.m[k][0] != color.m[0][0] || color.low[k] != color.low[0] || color.high[k] != color.high[0]) return false;
  }
  return true;
}

template <class L, PixelFormat kFormat, bool kChroma>
void fixed_rows(const Job& asked) {
  Job job = asked;  // a copy: nothing that is written can change it
  const int rows = kChroma ? 1 << job.pair_y : 1;
  const bool squares = kChroma && L::kWidth > 1 && job.pair_x == 1 && job.pair_y == 1 &&
                       job.element == Element::kFloat32 && alike(job.fixed_color);
  if constexpr (kChroma) job.channels = 3;
  for (int top = 0; top < job.height; top += rows) {
    int begin = 0;
    if constexpr (kChroma && L::kWidth > 1) {
      if (squares && top + 2 <= job.height) {
        begin = job.planar ? fixed_squares<L, kFormat, true>(job, top) : fixed_squares<L, kFormat, false>(job, top);
      }
    }
    if (kChroma && job.pair_x == 1) {
      fixed_any<L, kFormat, kChroma, true>(job, top, rows, begin);
    } else {
      fixed_any<L, kFormat, kChroma, false>(job, top, rows, begin);
    }
  }
}

template <class L, PixelFormat kFormat>
void fixed_format(const Job& job) {
  if constexpr (format_info(kFormat).yuv) {
    if (job.channels == 3) return fixed_rows<L, kFormat, true>(job);
  }
  fixed_rows<L, kFormat, false>(job);
}

}  // namespace watchkeeper
