// Picks the lanes and the path; holds the scalar instance, which every machine has.
#include "preprocess_cpu.h"

#include <algorithm>

#include "preprocess_rows.h"

namespace watchkeeper {
namespace {

RowFunctions scalar_rows() { return {"scalar", direct<ScalarLanes>, separable<ScalarLanes>}; }

RowFunctions best_rows() {
#if defined(WK_HAVE_AVX2)
  if (__builtin_cpu_supports("avx2")) return avx2_rows();
#endif
#if defined(WK_HAVE_NEON)
  return neon_rows();  // part of every 64-bit Arm
#else
  return scalar_rows();
#endif
}

const RowFunctions& simd_rows() {
  static const RowFunctions rows = best_rows();
  return rows;
}

}  // namespace

const char* simd_name() { return simd_rows().name; }

namespace {

// Whether every sample point is at least half a pixel inside the picture: then none meets the border.
bool is_inside(const Job& job) {
  const Affine& m = job.affine;
  for (int corner = 0; corner < 4; ++corner) {
    const double x = corner % 2 ? job.width : 0, y = corner / 2 ? job.height : 0;
    const double sx = m.a * x + m.b * y + m.c, sy = m.d * x + m.e * y + m.f;
    // A hundredth of a pixel more, for what single precision makes of the points.
    if (!(sx > 0.51 && sy > 0.51 && sx < job.image.width - 0.51 && sy < job.image.height - 0.51)) return false;
  }
  return true;
}

}  // namespace

void preprocess(const Job& asked, bool simd) {
  Job job = asked;
  job.replicate = job.replicate || is_inside(job);
  // SIMD loads four bytes at a time, which a smaller plane does not have.
  bool wide = simd;
  for (int p = 0; p < format_info(job.image.format).plane_count; ++p) wide = wide && job.image.planes[p].size >= 4;
  const RowFunctions rows = wide ? simd_rows() : scalar_rows();
  if (is_separable(job)) {
    rows.separable(job, separable_plan(job));
  } else {
    rows.direct(job);
  }
}

void luma_histogram(const ImageView& image, ColorMatrix matrix, const Affine& affine, int columns, int rows,
                    std::uint32_t histogram[256]) {
  const FormatInfo info = format_info(image.format);
  const YuvRange range = info.yuv ? yuv_range(matrix) : YuvRange{0.0, 1.0, 1.0};
  const double kr = luma_kr(matrix), kb = luma_kb(matrix), kg = 1.0 - kr - kb;
  const auto level = [](double grey) { return static_cast<int>(std::clamp(grey, 0.0, 255.0) + 0.5); };
  const bool has_luma = info.yuv || info.component_count == 1;
  std::uint8_t level_of[256];  // of a source's luma code
  for (int code = 0; code < 256; ++code) {
    level_of[code] = static_cast<std::uint8_t>(level((code - range.y_offset) * range.y_scale));
  }
  for (int i = 0; i < 256; ++i) histogram[i] = 0;
  for (int row = 0; row < rows; ++row) {
    const double sx0 = affine.b * (row + 0.5) + affine.c, sy0 = affine.e * (row + 0.5) + affine.f;
    for (int column = 0; column < columns; ++column) {
      const double sx = affine.a * (column + 0.5) + sx0, sy = affine.d * (column + 0.5) + sy0;
      if (!(sx >= 0.0 && sy >= 0.0 && sx < image.width && sy < image.height)) continue;
      const int x = static_cast<int>(sx), y = static_cast<int>(sy);
      const std::uint8_t* row_start = image.planes[0].data + static_cast<std::int64_t>(y) * image.planes[0].stride;
      const std::uint8_t* pixel = row_start + static_cast<std::int64_t>(x) * info.components[0].step;
      if (has_luma) {
        ++histogram[level_of[*pixel]];
        continue;
      }
      // In double and in the reference's order: sums such as 0.299 R + 0.587 G + 0.114 B often end in exactly one half.
      const double grey = kr * pixel[info.components[0].offset] + kg * pixel[info.components[1].offset] +
                          kb * pixel[info.components[2].offset];
      ++histogram[level(grey)];
    }
  }
}

}  // namespace watchkeeper
