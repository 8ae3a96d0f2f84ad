// Picks the lanes and the path; holds the scalar instance, which every machine has.
#include "preprocess_cpu.h"

#include "preprocess_rows.h"
#include "reduced_rows.h"
#include "separable_rows.h"

namespace watchkeeper {
namespace {

RowFunctions scalar_rows() { return {"scalar", direct<ScalarLanes>, separable<ScalarLanes>, reduced<ScalarLanes>}; }

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

void preprocess_direct(const Job& asked) {
  const Job job = prepared(asked);
  const RowFunctions rows = scalar_rows();
  rows.direct(job.level > 0 ? over_reduced_picture(job, rows) : job);
}

void preprocess(const Job& asked, bool simd) {
  Job job = prepared(asked);
  const RowFunctions own = simd ? simd_rows() : scalar_rows();
  if (job.level > 0) job = over_reduced_picture(job, own);
  // SIMD loads four bytes at a time, which a smaller plane does not have.
  bool wide = simd;
  for (int p = 0; p < format_info(job.image.format).plane_count; ++p) wide = wide && job.image.planes[p].size >= 4;
  const RowFunctions rows = wide ? own : scalar_rows();
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
