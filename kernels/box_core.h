// A picture averaged in squares of 2^level samples a side: what a crop that is reduced by two or more is read from, so that
// no sample goes unread. Whole numbers, rounded to the sample's own digits: the CPU makes these pictures beforehand
// (reduced_picture.cc), the GPU works out each sample where it is read, and both get the same. Squares that stick out of
// the picture count its outermost samples for what is missing.
#pragma once

#include "image_view.h"

namespace watchkeeper {

constexpr int kMaxLevel = 6;

// Samples of a component along an axis of `n` pixels of the full picture, after the averaging.
WK_HOST_DEVICE constexpr int reduced_extent(int n, int shift, int level) {
  return ((component_extent(n, shift) - 1) >> level) + 1;
}

WK_HOST_DEVICE std::uint32_t box_mean(std::uint32_t sum, int level) {
  return level == 0 ? sum : (sum + (1u << (2 * level - 1))) >> (2 * level);
}

// The sample (x, y) of the reduced picture.
template <int kSampleBytes>
WK_HOST_DEVICE std::int32_t box_sample(const ImageView& image, const Component& c, int level, int x, int y) {
  const int last_x = component_extent(image.width, c.shift_x) - 1, last_y = component_extent(image.height, c.shift_y) - 1;
  const Plane& plane = image.planes[c.plane];
  std::uint32_t sum = 0;
  for (int j = 0; j < 1 << level; ++j) {
    const int row = (y << level) + j;
    const std::uint8_t* from = plane.data + static_cast<std::int64_t>(row < last_y ? row : last_y) * plane.stride + c.offset;
    for (int i = 0; i < 1 << level; ++i) {
      const int column = (x << level) + i;
      const std::uint8_t* at = from + (column < last_x ? column : last_x) * c.step;
      sum += kSampleBytes == 2 ? static_cast<std::uint32_t>(at[0] | at[1] << 8) : at[0];
    }
  }
  return static_cast<std::int32_t>(box_mean(sum, level));
}

}  // namespace watchkeeper
