// Tables of the separable path: which source samples an output row or column reads and with what weight.
#include <algorithm>
#include <cmath>
#include <vector>

#include "preprocess_cpu.h"

namespace watchkeeper {
namespace {

struct Axis {
  double scale, origin;  // source position = scale (output position) + origin
  int taps, extent, count;
  bool replicate;
};

struct AxisTable {
  std::vector<std::int32_t> first;
  std::vector<double> weight;  // [count][taps]
  std::vector<float> weight_f;
  int taps = 0, begin = 0, end = 0;
};

double inside(const Axis& axis, double position) {
  if (axis.replicate) return 1.0;
  return std::clamp(std::min(position, axis.extent - position) + 0.5, 0.0, 1.0);
}

double source_position(const Axis& axis, int output, int tap) {
  return axis.scale * (output + (tap + 0.5) / axis.taps) + axis.origin;
}

// As axis_tap and coverage in preprocess_core.h, for all points of one axis. shift 1: a component at half resolution.
void fill(const Axis& axis, int shift, AxisTable& table) {
  const int last = component_extent(axis.extent, shift) - 1;
  const double to_component = shift ? 0.5 : 1.0;
  // An output pixel's points span |scale| source samples and each reads two.
  table.taps = std::min(last + 1, static_cast<int>(std::ceil(std::fabs(axis.scale) * to_component)) + 2);
  table.first.assign(axis.count, 0);
  table.weight.assign(static_cast<std::size_t>(axis.count) * table.taps, 0.0);
  table.begin = last + 1, table.end = 0;
  for (int x = 0; x < axis.count; ++x) {
    const auto at = [&](int tap) {
      return std::clamp(source_position(axis, x, tap) * to_component - 0.5, 0.0, static_cast<double>(last));
    };
    const int lowest = static_cast<int>(std::min(at(0), at(axis.taps - 1)));
    const int first = std::min(lowest, last + 1 - table.taps);
    double* weight = table.weight.data() + static_cast<std::size_t>(x) * table.taps;
    for (int i = 0; i < axis.taps; ++i) {
      const double p = at(i), cover = inside(axis, source_position(axis, x, i));
      const int sample = static_cast<int>(p);
      const double t = p - sample;
      weight[sample - first] += cover * (1.0 - t);
      if (t > 0.0) weight[sample + 1 - first] += cover * t;
    }
    table.first[x] = first;
    table.begin = std::min(table.begin, first);
    table.end = std::max(table.end, first + table.taps);
  }
}

struct Workspace {
  AxisTable down[2], across[2];
  std::vector<float> cover_x, cover_y, row, sums[3];
  SeparablePlan plan;
};

void fill_cover(const Axis& axis, std::vector<float>& cover) {
  for (int x = 0; x < axis.count; ++x) {
    double sum = 0.0;
    for (int i = 0; i < axis.taps; ++i) sum += inside(axis, source_position(axis, x, i));
    cover[x] = static_cast<float>(sum);
  }
}

}  // namespace

bool is_separable(const Job& job) {
  return job.affine.b == 0.0 && job.affine.d == 0.0 && (job.taps_x > 1 || job.taps_y > 1);
}

const SeparablePlan& separable_plan(const Job& job) {
  thread_local Workspace work;
  SeparablePlan& plan = work.plan;
  const ImageView& image = job.image;
  const Axis x{job.affine.a, job.affine.c, job.taps_x, image.width, job.width, job.replicate};
  const Axis y{job.affine.e, job.affine.f, job.taps_y, image.height, job.height, job.replicate};
  plan.padded_width = (job.width + kPad - 1) / kPad * kPad;
  for (int shift = 0; shift < 2; ++shift) {
    AxisTable& down = work.down[shift];
    fill(y, shift, down);
    down.weight_f.assign(down.weight.begin(), down.weight.end());
    plan.down[shift] = {down.first.data(), down.weight_f.data(), down.taps};
    AxisTable& across = work.across[shift];
    fill(x, shift, across);
    across.first.resize(plan.padded_width, 0);
    across.weight_f.assign(static_cast<std::size_t>(across.taps) * plan.padded_width, 0.0f);
    for (int i = 0; i < job.width; ++i) {
      for (int k = 0; k < across.taps; ++k) {
        across.weight_f[static_cast<std::size_t>(k) * plan.padded_width + i] =
            static_cast<float>(across.weight[static_cast<std::size_t>(i) * across.taps + k]);
      }
    }
    // The padding columns read from the first sample on; that has to lie in what is swept.
    std::fill(across.first.begin() + job.width, across.first.end(), across.begin);
    plan.across[shift] = {across.first.data(), across.weight_f.data(), across.taps};
  }
  const FormatInfo info = format_info(image.format);
  std::size_t widest = 0;
  for (int p = 0; p < info.plane_count; ++p) {
    const int row_bytes = static_cast<int>(plane_row_bytes(image.format, p, image.width));
    plan.begin[p] = row_bytes, plan.end[p] = 0;
    widest = std::max(widest, static_cast<std::size_t>(row_bytes));
  }
  for (int i = 0; i < info.component_count; ++i) {
    const Component& c = info.components[i];
    const AxisTable& across = work.across[c.shift_x];
    plan.begin[c.plane] = std::min(plan.begin[c.plane], across.begin * c.step);
    // Bytes of the last sample, whichever component of it: planes end with a whole sample.
    const int row_bytes = static_cast<int>(plane_row_bytes(image.format, c.plane, image.width));
    plan.end[c.plane] = std::max(plan.end[c.plane], std::min(row_bytes, across.end * c.step));
  }
  work.cover_x.assign(plan.padded_width, 0.0f);
  work.cover_y.assign(job.height, 0.0f);
  fill_cover(x, work.cover_x);
  fill_cover(y, work.cover_y);
  if (work.row.size() < widest) work.row.resize(widest);
  plan.row = work.row.data();
  for (int i = 0; i < 3; ++i) {
    work.sums[i].resize(plan.padded_width);
    plan.sums[i] = work.sums[i].data();
  }
  plan.cover_x = work.cover_x.data();
  plan.cover_y = work.cover_y.data();
  return plan;
}

}  // namespace watchkeeper
