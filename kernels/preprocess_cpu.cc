// Picks the lanes and the path; holds the scalar instance, which every machine has.
#include "preprocess_cpu.h"

#include "preprocess_rows.h"
#include "reduced_rows.h"
#include "separable_rows.h"

namespace watchkeeper {
namespace {

RowFunctions scalar_rows() { return {"scalar", direct<ScalarLanes>, separable<ScalarLanes>, reduced<ScalarLanes>}; }

Lanes all_lanes() {
  Lanes lanes;
  const auto add = [&](RowFunctions rows) { lanes.rows[lanes.count++] = rows; };
#if defined(WK_HAVE_AVX2)
  const bool avx2 = __builtin_cpu_supports("avx2");
#if defined(WK_HAVE_AVX512)
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni")) {
    add(avx512_rows());
  }
#endif
  if (avx2) add(avx2_rows());
#endif
#if defined(WK_HAVE_NEON)
  add(neon_rows());  // part of every 64-bit Arm
#endif
  add(scalar_rows());
  return lanes;
}

}  // namespace

const Lanes& lanes_here() {
  static const Lanes lanes = all_lanes();
  return lanes;
}

void preprocess_direct(const Job& asked) {
  const Job job = prepared(asked);
  const RowFunctions rows = scalar_rows();
  rows.direct(job.level > 0 ? over_reduced_picture(job, rows) : job);
}

void preprocess(const Job& asked, int lanes) {
  Job job = prepared(asked);
  const RowFunctions& own = lanes_here().rows[lanes];
  if (job.level > 0) job = over_reduced_picture(job, own);
  // SIMD loads four bytes at a time, which a smaller plane does not have.
  bool wide = true;
  for (int p = 0; p < format_info(job.image.format).plane_count; ++p) wide = wide && job.image.planes[p].size >= 4;
  const RowFunctions& rows = wide ? own : lanes_here().rows[lanes_here().count - 1];
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
