// Row loops of an axis-aligned reduction over a lane type; see preprocess_rows.h.
#pragma once

#include "preprocess_cpu.h"
#include "preprocess_store.h"

namespace watchkeeper {

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
  if (kSampleBytes == 1 && down.plain[y] && count <= 257 && end - begin >= kRowBytes) {
    for (; i + kRowBytes <= end; i += kRowBytes) L::add_rows(from + i, stride, count, row + i);
    if (i < end) L::add_rows(from + end - kRowBytes, stride, count, row + end - kRowBytes);
    return;
  }
  if (end - begin >= L::kWidth) {
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

// Of two components that take turns, the first at the row's beginning.
template <class L>
void sweep_across_two(const float* row, const AcrossWeights& across, int width, float* const to[2]) {
  const std::int64_t size = static_cast<std::int64_t>(across.blocks) * 8;
  for (int x = 0; x < width; x += kPad) {
    L::dots_two(row, across.first + x, across.weight + x * size, across.both + x * size, across.blocks, to[0] + x,
                to[1] + x);
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
      if (i == 1 && info.yuv && c.step == 2) {
        sweep_across_two<L>(plan.row, axes.across, plan.padded_width, plan.sums + 1);
        break;
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
