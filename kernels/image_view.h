// A camera's picture as it lies in memory: formats, planes, strides. No pixel is owned here.
#pragma once

#include "portable.h"

namespace watchkeeper {

// The numbers are shared with watchkeeper.types.PixelFormat.
enum class PixelFormat : int {
  kI420 = 0,
  kNv12 = 1,
  kGrey8 = 2,
  kRgb24 = 3,
  kBgr24 = 4,
  kYuyv = 5,
  kUyvy = 6,
  kGrey10 = 7,
  kGrey16 = 8,
  kRgba32 = 9,
  kBgra32 = 10
};
constexpr int kPixelFormatCount = 11;

struct Plane {
  const std::uint8_t* data = nullptr;
  std::int32_t stride = 0;  // bytes from one row to the next
  std::int32_t size = 0;    // bytes that may be read
};

struct ImageView {
  PixelFormat format = PixelFormat::kGrey8;
  int width = 0;
  int height = 0;
  Plane planes[3];
};

// Where one colour component lies: its plane, the byte of its first sample, bytes between neighbours in a row, and by
// how many bits its grid is coarser than the picture's. A YUV format's components 1 and 2 share one grid.
struct Component {
  int plane, offset, step, shift_x, shift_y;
};

struct FormatInfo {
  int plane_count;
  int component_count;
  bool yuv;
  Component components[3];
  int sample_bytes = 1;  // 2: little-endian words, as V4L2's Y10 and Y16
  int full_scale = 255;  // white
};

WK_HOST_DEVICE constexpr FormatInfo format_info(PixelFormat format) {
  switch (format) {
    case PixelFormat::kI420:
      return {3, 3, true, {{0, 0, 1, 0, 0}, {1, 0, 1, 1, 1}, {2, 0, 1, 1, 1}}};
    case PixelFormat::kNv12:
      return {2, 3, true, {{0, 0, 1, 0, 0}, {1, 0, 2, 1, 1}, {1, 1, 2, 1, 1}}};
    case PixelFormat::kYuyv:
      return {1, 3, true, {{0, 0, 2, 0, 0}, {0, 1, 4, 1, 0}, {0, 3, 4, 1, 0}}};
    case PixelFormat::kRgb24:
      return {1, 3, false, {{0, 0, 3, 0, 0}, {0, 1, 3, 0, 0}, {0, 2, 3, 0, 0}}};
    case PixelFormat::kBgr24:
      return {1, 3, false, {{0, 2, 3, 0, 0}, {0, 1, 3, 0, 0}, {0, 0, 3, 0, 0}}};
    case PixelFormat::kUyvy:
      return {1, 3, true, {{0, 1, 2, 0, 0}, {0, 0, 4, 1, 0}, {0, 2, 4, 1, 0}}};
    case PixelFormat::kRgba32:
      return {1, 3, false, {{0, 0, 4, 0, 0}, {0, 1, 4, 0, 0}, {0, 2, 4, 0, 0}}};
    case PixelFormat::kBgra32:
      return {1, 3, false, {{0, 2, 4, 0, 0}, {0, 1, 4, 0, 0}, {0, 0, 4, 0, 0}}};
    case PixelFormat::kGrey10:
      return {1, 1, false, {{0, 0, 2, 0, 0}, {0, 0, 2, 0, 0}, {0, 0, 2, 0, 0}}, 2, 1023};
    case PixelFormat::kGrey16:
      return {1, 1, false, {{0, 0, 2, 0, 0}, {0, 0, 2, 0, 0}, {0, 0, 2, 0, 0}}, 2, 65535};
    case PixelFormat::kGrey8:
      break;
  }
  return {1, 1, false, {{0, 0, 1, 0, 0}, {0, 0, 1, 0, 0}, {0, 0, 1, 0, 0}}};
}

// Samples of a component along an axis of `n` pixels: half of an odd number is rounded up, as decoders and drivers do.
WK_HOST_DEVICE constexpr int component_extent(int n, int shift) { return (n + (1 << shift) - 1) >> shift; }

// Bytes that one row of a plane holds (without padding) and how many rows it has.
WK_HOST_DEVICE constexpr std::int64_t plane_row_bytes(PixelFormat format, int plane, int width) {
  const FormatInfo info = format_info(format);
  std::int64_t bytes = 0;
  for (int i = 0; i < info.component_count; ++i) {
    const Component& c = info.components[i];
    const std::int64_t end = static_cast<std::int64_t>(component_extent(width, c.shift_x)) * c.step;
    if (c.plane == plane && end > bytes) bytes = end;
  }
  return bytes;
}

WK_HOST_DEVICE constexpr int plane_rows(PixelFormat format, int plane, int height) {
  const FormatInfo info = format_info(format);
  for (int i = 0; i < info.component_count; ++i) {
    if (info.components[i].plane == plane) return component_extent(height, info.components[i].shift_y);
  }
  return 0;
}

}  // namespace watchkeeper
