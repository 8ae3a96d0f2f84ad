// Picks the lanes and the path; holds the scalar instance, which every machine has.
#include "preprocess_cpu.h"

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

bool is_inside(const Job& job, int width, double margin_px) {
  const Affine& m = job.affine;
  for (int corner = 0; corner < 4; ++corner) {
    const double x = corner % 2 ? width : 0, y = corner / 2 ? job.height : 0;
    const double sx = m.a * x + m.b * y + m.c, sy = m.d * x + m.e * y + m.f;
    // A hundredth of a pixel more, for what single precision makes of the points.
    const double edge = margin_px + 0.01;
    if (!(sx > edge && sy > edge && sx < job.image.width - edge && sy < job.image.height - edge)) return false;
  }
  return true;
}

Job prepared(const Job& asked) {
  Job job = asked;
  job.replicate = job.replicate || is_inside(job, job.width, 0.5);
  return job;
}

void preprocess_direct(const Job& job) { scalar_rows().direct(prepared(job)); }

void preprocess(const Job& asked, bool simd) {
  const Job job = prepared(asked);
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

void exposure(const ExposureJob& job, std::uint32_t histogram[256], ExposureTotals& totals) {
  for (int i = 0; i < 256; ++i) histogram[i] = 0;
  totals = {};
  for (int row = 0; row < job.rows; ++row) {
    for (int column = 0; column < job.columns; ++column) {
      const ExposurePoint point = exposure_point(job, column, row);
      if (point.level < 0) continue;
      ++histogram[point.level];
      if (!point.sharpness) continue;
      totals.squares += static_cast<std::uint64_t>(point.laplacian * point.laplacian);
      ++totals.points;
    }
  }
}

}  // namespace watchkeeper
