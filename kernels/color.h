// Colour: from a source's three components to R'G'B' or grey on 0..255, as one affine transform.
//
// Y'CbCr: ITU-R BT.601-7 section 2.5.1 (Kr 0.299, Kb 0.114) and ITU-R BT.709-6 section 3 (Kr 0.2126, Kb 0.0722).
//   Y' = Kr R' + Kg G' + Kb B', Cb = (B' - Y') / (2 - 2 Kb), Cr = (R' - Y') / (2 - 2 Kr), Kg = 1 - Kr - Kb; inverted:
//   R' = Y' + (2 - 2 Kr) Cr
//   G' = Y' - (2 - 2 Kb) Kb / Kg Cb - (2 - 2 Kr) Kr / Kg Cr
//   B' = Y' + (2 - 2 Kb) Cb
// Limited range (BT.601-7 2.5.3, BT.709-6 4.6, 8 bits): Y' 16..235, Cb and Cr 16..240 about 128.
// Full range (ITU-T H.273 with VideoFullRangeFlag 1; JFIF 1.02): Y' 0..255, Cb and Cr 0..255 about 128.
//
// Chroma siting: a 4:2:0 chroma sample is taken to sit in the middle of its 2x2 pixels (H.273 chroma sample location
// type 1, as JFIF), a 4:2:2 one in the middle of its two pixels. Streams with left-sited chroma (type 0, the default of
// H.264) are thereby read with their colour half a pixel to one side; their luma, which has the shapes, is not moved.
#pragma once

#include "image_view.h"

namespace watchkeeper {

// The numbers are shared with watchkeeper.types.ColorMatrix.
enum class ColorMatrix : int { kBt601Limited = 0, kBt601Full = 1, kBt709Limited = 2, kBt709Full = 3 };
constexpr int kColorMatrixCount = 4;

// out[k] = m[k][0] c0 + m[k][1] c1 + m[k][2] c2 + m[k][3], on 0..255.
struct ColorTransform {
  float m[3][4];
};

struct YuvRange {
  double y_offset, y_scale, c_scale;  // full-range Y' = (code - y_offset) y_scale; Cb, Cr = (code - 128) c_scale
};

WK_HOST_DEVICE constexpr bool is_bt709(ColorMatrix matrix) {
  return matrix == ColorMatrix::kBt709Limited || matrix == ColorMatrix::kBt709Full;
}

WK_HOST_DEVICE constexpr double luma_kr(ColorMatrix matrix) { return is_bt709(matrix) ? 0.2126 : 0.299; }
WK_HOST_DEVICE constexpr double luma_kb(ColorMatrix matrix) { return is_bt709(matrix) ? 0.0722 : 0.114; }

WK_HOST_DEVICE constexpr YuvRange yuv_range(ColorMatrix matrix) {
  return matrix == ColorMatrix::kBt601Limited || matrix == ColorMatrix::kBt709Limited
             ? YuvRange{16.0, 255.0 / 219.0, 255.0 / 224.0}
             : YuvRange{0.0, 1.0, 1.0};
}

#if !defined(__CUDACC_RTC__)  // the host works this out; NVRTC takes no host functions
// From the components of `format` to three channels (R, G, B) or, with channels == 1, to grey in row 0: full-range Y'
// of a YUV source, Y' by the matrix's own weights of an RGB source. Grey formats are full range whatever the matrix says.
inline ColorTransform color_transform(PixelFormat format, ColorMatrix matrix, int channels) {
  const double kr = luma_kr(matrix), kb = luma_kb(matrix), kg = 1.0 - kr - kb;
  double m[3][4] = {};
  if (format_info(format).component_count == 1) {
    for (auto& row : m) row[0] = 255.0 / format_info(format).full_scale;
  } else if (!format_info(format).yuv) {
    for (int k = 0; k < 3; ++k) m[k][k] = 1.0;
    if (channels == 1) m[0][0] = kr, m[0][1] = kg, m[0][2] = kb;
  } else {
    const YuvRange range = yuv_range(matrix);
    if (channels == 3) {
      m[0][2] = (2.0 - 2.0 * kr) * range.c_scale;
      m[1][1] = -(2.0 - 2.0 * kb) * kb / kg * range.c_scale;
      m[1][2] = -(2.0 - 2.0 * kr) * kr / kg * range.c_scale;
      m[2][1] = (2.0 - 2.0 * kb) * range.c_scale;
    }
    for (auto& row : m) {
      row[0] = range.y_scale;
      row[3] = -range.y_offset * range.y_scale - 128.0 * (row[1] + row[2]);
    }
  }
  ColorTransform transform{};
  for (int k = 0; k < 3; ++k) {
    for (int i = 0; i < 4; ++i) transform.m[k][i] = static_cast<float>(m[k][i]);
  }
  return transform;
}
#endif

}  // namespace watchkeeper
