// Tables of the separable path: which source samples an output row or column reads and with what weight.
#include <algorithm>
#include <cmath>
#include <vector>

#include "preprocess_cpu.h"

namespace watchkeeper {
namespace {

// One axis of the job, for one kind of component.
struct Axis {
  double scale, origin;  // source pixels: scale * (output position) + origin
  int count;             // output positions
  int taps;              // points in each
  int extent;            // source pixels
  int shift;             // 1: the component has half as many samples
  bool weighted;         // points count by how much they are in the picture
};

struct Table {
  std::vector<std::int32_t> first;
  std::vector<float> weight;
  int taps = 0, begin = 0, end = 0;  // begin..end: source samples that any output position reads
};

struct Workspace {
  Table down[2], across[2];
  std::vector<float> cover_x, cover_y, row, sums[3];
  SeparablePlan plan;
};

double source_px(const Axis& axis, int output, int tap) {
  return axis.scale * (output + (tap + 0.5) / axis.taps) + axis.origin;
}

// As coverage() in preprocess_core.h.
double inside(const Axis& axis, double position_px) {
  return axis.weighted ? std::clamp(std::min(position_px, axis.extent - position_px) + 0.5, 0.0, 1.0) : 1.0;
}

// As axis_tap() in preprocess_core.h, for all points. Weight k of output x goes to [x * stride_x + k * stride_k].
void fill(const Axis& axis, int padded_count, bool output_first, Table& table) {
  const int last = component_extent(axis.extent, axis.shift) - 1;
  const double samples_per_px = axis.shift ? 0.5 : 1.0;
  // The points of an output position span less than |scale| source samples and each reads two.
  const int span = static_cast<int>(std::ceil(std::fabs(axis.scale) * samples_per_px)) + 2;
  table.taps = std::min(last + 1, span);
  const std::size_t stride_x = output_first ? table.taps : 1, stride_k = output_first ? 1 : padded_count;
  table.first.assign(padded_count, 0);
  table.weight.assign(static_cast<std::size_t>(padded_count) * table.taps, 0.0f);
  table.begin = last + 1, table.end = 0;
  for (int x = 0; x < axis.count; ++x) {
    const auto sample_position = [&](int tap) {
      return std::clamp(source_px(axis, x, tap) * samples_per_px - 0.5, 0.0, static_cast<double>(last));
    };
    const int lowest = static_cast<int>(std::min(sample_position(0), sample_position(axis.taps - 1)));
    const int first = std::min(lowest, last + 1 - table.taps);
    float* weight = table.weight.data() + x * stride_x;
    for (int i = 0; i < axis.taps; ++i) {
      const double position = sample_position(i), share = inside(axis, source_px(axis, x, i));
      const int sample = static_cast<int>(position);
      const double t = position - sample;
      weight[(sample - first) * stride_k] += static_cast<float>(share * (1.0 - t));
      if (t > 0.0) weight[(sample + 1 - first) * stride_k] += static_cast<float>(share * t);
    }
    table.first[x] = first;
    table.begin = std::min(table.begin, first);
    table.end = std::max(table.end, first + table.taps);
  }
  // The padding columns have no weight, but what they read has to have been swept.
  std::fill(table.first.begin() + axis.count, table.first.end(), table.begin);
}

void fill_cover(const Axis& axis, int padded_count, std::vector<float>& cover) {
  cover.assign(padded_count, 0.0f);
  for (int x = 0; x < axis.count; ++x) {
    double sum = 0.0;
    for (int i = 0; i < axis.taps; ++i) sum += inside(axis, source_px(axis, x, i));
    cover[x] = static_cast<float>(sum);
  }
}

int row_samples(const ImageView& image, int plane) {
  return static_cast<int>(plane_row_bytes(image.format, plane, image.width)) / format_info(image.format).sample_bytes;
}

AxisWeights view(const Table& table) { return {table.first.data(), table.weight.data(), table.taps}; }

}  // namespace

bool is_separable(const Job& job) {
  return job.affine.b == 0.0 && job.affine.d == 0.0 && (job.taps.x > 1 || job.taps.y > 1);
}

const SeparablePlan& separable_plan(const Job& job) {
  thread_local Workspace work;
  SeparablePlan& plan = work.plan;
  const ImageView& image = job.image;
  const FormatInfo info = format_info(image.format);
  plan.padded_width = (job.width + kPad - 1) / kPad * kPad;
  for (int p = 0; p < info.plane_count; ++p) {
    plan.begin[p] = row_samples(image, p), plan.end[p] = 0;
  }
  const int kinds = info.yuv && job.channels == 3 ? 2 : 1;
  for (int kind = 0; kind < kinds; ++kind) {
    const Taps taps = kind == 0 ? job.taps : job.chroma_taps;
    const Component& any = info.components[kind];
    const bool weighted = kind == 0 && !job.replicate;
    const Axis x{job.affine.a, job.affine.c, job.width, taps.x, image.width, any.shift_x, weighted};
    const Axis y{job.affine.e, job.affine.f, job.height, taps.y, image.height, any.shift_y, weighted};
    fill(y, job.height, true, work.down[kind]);
    fill(x, plan.padded_width, false, work.across[kind]);
    plan.axes[kind] = {view(work.down[kind]), view(work.across[kind])};
    if (kind == 0) {
      fill_cover(x, plan.padded_width, work.cover_x);
      fill_cover(y, job.height, work.cover_y);
    }
  }
  std::size_t row_size = 0;
  for (int i = 0; i < info.component_count && (i == 0 || !info.yuv || kinds == 2); ++i) {
    const Component& c = info.components[i];
    const Table& across = work.across[info.yuv && i > 0];
    // Whole groups of interleaved samples, so that every component of a sample is in the range.
    const int in_row = row_samples(image, c.plane), step = c.step / info.sample_bytes;
    plan.begin[c.plane] = std::min(plan.begin[c.plane], across.begin * step);
    plan.end[c.plane] = std::max(plan.end[c.plane], std::min(in_row, across.end * step));
    row_size = std::max(row_size, static_cast<std::size_t>(in_row));
  }
  if (work.row.size() < row_size) work.row.resize(row_size);
  plan.row = work.row.data();
  for (int i = 0; i < 3; ++i) {
    if (work.sums[i].size() < static_cast<std::size_t>(plan.padded_width)) work.sums[i].resize(plan.padded_width);
    plan.sums[i] = work.sums[i].data();
  }
  plan.cover_x = work.cover_x.data();
  plan.cover_y = work.cover_y.data();
  return plan;
}

}  // namespace watchkeeper
