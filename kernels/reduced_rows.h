// The averaging of box_core.h for a span of a row of the reduced picture, over a lane type; see preprocess_rows.h.
#pragma once

#include "box_core.h"

namespace watchkeeper {

constexpr int kMostReducedBytes = 1 << 15;  // of a row of a plane, before the averaging

// Samples in bytes, kStep components in turns: `count` bytes at `to` from the 2^level rows at `from`. All squares whole.
template <class L, int kStep, int kLevel>
void reduced_row(const std::uint8_t* from, std::int64_t stride, int count, std::uint8_t* to) {
  constexpr int kRows = 1 << kLevel, kPairs = kRows / 2;
  std::uint16_t sums[kMostReducedBytes / 2];
  const int bytes = count << kLevel;
  if (bytes < 32) {
    for (int i = 0; i < count; ++i) {
      std::uint32_t sum = 0;
      for (int row = 0; row < kRows; ++row) {
        for (int k = 0; k < kRows; ++k) sum += from[row * stride + (i / kStep * kRows + k) * kStep + i % kStep];
      }
      to[i] = static_cast<std::uint8_t>(box_mean(sum, kLevel));
    }
    return;
  }
  for (int i = 0; i + 32 <= bytes; i += 32) L::template pair_sums<kStep>(from + i, stride, kRows, sums + i / 2);
  // The last group overlaps the one before: no byte outside the span is read.
  L::template pair_sums<kStep>(from + bytes - 32, stride, kRows, sums + bytes / 2 - 16);
  for (int i = 0; i < count / kStep; ++i) {
    for (int c = 0; c < kStep; ++c) {
      std::uint32_t sum = 0;
      for (int k = 0; k < kPairs; ++k) sum += sums[(i * kPairs + k) * kStep + c];
      to[i * kStep + c] = static_cast<std::uint8_t>(box_mean(sum, kLevel));
    }
  }
}

template <class L, int kStep>
void reduced_step(const std::uint8_t* from, std::int64_t stride, int level, int count, std::uint8_t* to) {
  switch (level) {
    case 1: return reduced_row<L, kStep, 1>(from, stride, count, to);
    case 2: return reduced_row<L, kStep, 2>(from, stride, count, to);
    case 3: return reduced_row<L, kStep, 3>(from, stride, count, to);
    case 4: return reduced_row<L, kStep, 4>(from, stride, count, to);
    case 5: return reduced_row<L, kStep, 5>(from, stride, count, to);
    default: return reduced_row<L, kStep, kMaxLevel>(from, stride, count, to);
  }
}

template <class L>
void reduced(const std::uint8_t* from, std::int64_t stride, int step, int level, int count, std::uint8_t* to) {
  if (step == 1) return reduced_step<L, 1>(from, stride, level, count, to);
  reduced_step<L, 2>(from, stride, level, count, to);
}

}  // namespace watchkeeper
