// From lanes of finished pixels to the output array: its layout and element type, and its right edge.
#pragma once

#include "preprocess_core.h"

namespace watchkeeper {

// The usual: single precision, all lanes within the row.
template <class L, bool kPlanar>
WK_HOST_DEVICE void store_whole(const Job& job, typename L::F out[3], int x, int y) {
  float* to = static_cast<float*>(job.out);
  const std::int64_t pixel = static_cast<std::int64_t>(y) * job.width + x;
  if constexpr (kPlanar) {
    const std::int64_t plane = static_cast<std::int64_t>(job.width) * job.height;
    for (int k = 0; k < 3; ++k) L::store(to + k * plane + pixel, out[k]);
  } else {
    L::store_interleaved(to + pixel * 3, out[0], out[1], out[2]);
  }
}

template <class L>
WK_HOST_DEVICE void store_pixels(const Job& job, typename L::F out[3], int x, int y) {
  constexpr int kW = L::kWidth;
  const int count = job.width - x < kW ? job.width - x : kW;
  const std::int64_t plane = static_cast<std::int64_t>(job.width) * job.height;
  const std::int64_t pixel = static_cast<std::int64_t>(y) * job.width + x;
  if (job.element == Element::kUint8) {
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
  if (job.element == Element::kFloat16) {
    std::uint16_t* to = static_cast<std::uint16_t*>(job.out);
    const std::int64_t step = job.planar ? 1 : job.channels;
    float buffer[kW];
    for (int k = 0; k < job.channels; ++k) {
      L::store(buffer, out[k]);
      std::uint16_t* first = to + (job.planar ? k * plane + pixel : pixel * job.channels + k);
      for (int i = 0; i < count; ++i) first[i * step] = half_bits(buffer[i]);
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

}  // namespace watchkeeper
