// Exposure statistics of a region in one pass over a grid of its points: how often each grey level occurs, and how sharp
// the picture is there. All sums are whole numbers, so the order of adding them (rows here, atomics on a GPU) is no
// matter: every build gives the same counts.
//
// Sharpness: the mean square of the 4-neighbour Laplacian of the grey levels (the "energy of Laplacian" focus measure of
// Subbarao, Choi and Nikzad, Optical Engineering 32(11), 1993), over the points whose neighbours are all in the picture.
#pragma once

#include "preprocess_core.h"

namespace watchkeeper {

struct ExposureJob {
  ImageView image;
  Affine affine;
  int columns = 0, rows = 0;
  bool sharpness = false;
  std::uint8_t level_of[256] = {};  // grey level of a luma or grey code of 8 bits
  double to_level = 1.0;            // of a wider code
  double red = 0, green = 0, blue = 0;
};

struct ExposureTotals {
  std::uint64_t squares = 0, points = 0;  // of the Laplacian
};

WK_HOST_DEVICE int rounded_level(double grey) {
  return static_cast<int>((grey < 0.0 ? 0.0 : grey > 255.0 ? 255.0 : grey) + 0.5);
}

#if !defined(__CUDACC_RTC__)
// Everything that follows from format and matrix; on the host.
inline void fill_levels(ExposureJob& job, ColorMatrix matrix) {
  const FormatInfo info = format_info(job.image.format);
  const YuvRange range = info.yuv ? yuv_range(matrix) : YuvRange{0.0, 1.0, 1.0};
  for (int code = 0; code < 256; ++code) {
    job.level_of[code] = static_cast<std::uint8_t>(rounded_level((code - range.y_offset) * range.y_scale));
  }
  job.to_level = 255.0 / info.full_scale;
  job.red = luma_kr(matrix), job.blue = luma_kb(matrix), job.green = 1.0 - job.red - job.blue;
}
#endif

// Grey level of the pixel (x, y), which is in the picture.
WK_HOST_DEVICE int grey_level(const ExposureJob& job, int x, int y) {
  const FormatInfo info = format_info(job.image.format);
  const Plane& plane = job.image.planes[0];
  const std::uint8_t* pixel =
      plane.data + static_cast<std::int64_t>(y) * plane.stride + static_cast<std::int64_t>(x) * info.components[0].step;
  if (info.sample_bytes == 2) return rounded_level((pixel[0] | pixel[1] << 8) * job.to_level);
  if (info.yuv || info.component_count == 1) return job.level_of[pixel[info.components[0].offset]];
  // In double and in the reference's order: sums such as 0.299 R + 0.587 G + 0.114 B often end in exactly one half.
  return rounded_level(job.red * pixel[info.components[0].offset] + job.green * pixel[info.components[1].offset] +
                       job.blue * pixel[info.components[2].offset]);
}

struct ExposurePoint {
  int level = -1;          // -1: outside the picture
  int laplacian = 0;
  bool sharpness = false;  // whether there is a Laplacian
};

WK_HOST_DEVICE ExposurePoint exposure_point(const ExposureJob& job, int column, int row) {
  const Affine& m = job.affine;
  const double sx = m.a * (column + 0.5) + (m.b * (row + 0.5) + m.c);
  const double sy = m.d * (column + 0.5) + (m.e * (row + 0.5) + m.f);
  ExposurePoint point;
  if (!(sx >= 0.0 && sy >= 0.0 && sx < job.image.width && sy < job.image.height)) return point;
  const int x = static_cast<int>(sx), y = static_cast<int>(sy);
  point.level = grey_level(job, x, y);
  if (job.sharpness && x > 0 && y > 0 && x + 1 < job.image.width && y + 1 < job.image.height) {
    point.sharpness = true;
    point.laplacian = grey_level(job, x - 1, y) + grey_level(job, x + 1, y) + grey_level(job, x, y - 1) +
                      grey_level(job, x, y + 1) - 4 * point.level;
  }
  return point;
}

}  // namespace watchkeeper
