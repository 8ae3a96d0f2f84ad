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

// Which samples output position x reads: first[x] + k for k < count[x], by weight[x * taps + k].
struct Table {
  std::vector<std::int32_t> first, count;
  std::vector<float> weight;
  int taps = 0, begin = 0, end = 0;  // begin..end: source samples that any output position reads
};

// Table for interleaved samples, in blocks of 8 with zeros between: see AcrossWeights.
struct Blocks {
  std::vector<std::int32_t> first;
  std::vector<float> weight, both;
  int blocks = 0;
};

// What the tables depend on.
struct Geometry {
  Affine affine;
  Taps taps, chroma_taps;
  int format, image_width, image_height, width, height, channels;
  bool replicate;
};

struct Workspace {
  Table down[2], across[2];
  Blocks blocks[2];
  std::vector<unsigned char> plain[2];
  std::vector<float> cover_x, cover_y, row, sums[3];
  SeparablePlan plan;
  Geometry made_for{};
};

double source_px(const Axis& axis, int output, int tap) {
  return axis.scale * (output + (tap + 0.5) / axis.taps) + axis.origin;
}

// As coverage() in preprocess_core.h.
double inside(const Axis& axis, double position_px) {
  return axis.weighted ? std::clamp(std::min(position_px, axis.extent - position_px) + 0.5, 0.0, 1.0) : 1.0;
}

// As axis_tap() in preprocess_core.h, for all points.
void fill(const Axis& axis, Table& table) {
  const int last = component_extent(axis.extent, axis.shift) - 1;
  const double samples_per_px = axis.shift ? 0.5 : 1.0;
  // The points of an output position span less than |scale| source samples and each reads two.
  const int span = static_cast<int>(std::ceil(std::fabs(axis.scale) * samples_per_px)) + 2;
  table.taps = std::min(last + 1, span);
  table.first.assign(axis.count, 0);
  table.count.assign(axis.count, 0);
  table.weight.assign(static_cast<std::size_t>(axis.count) * table.taps, 0.0f);
  table.begin = last + 1, table.end = 0;
  for (int x = 0; x < axis.count; ++x) {
    const auto sample_position = [&](int tap) {
      return std::clamp(source_px(axis, x, tap) * samples_per_px - 0.5, 0.0, static_cast<double>(last));
    };
    const int lowest = static_cast<int>(std::min(sample_position(0), sample_position(axis.taps - 1)));
    const int first = std::min(lowest, last + 1 - table.taps);
    float* weight = table.weight.data() + static_cast<std::size_t>(x) * table.taps;
    for (int i = 0; i < axis.taps; ++i) {
      const double position = sample_position(i), share = inside(axis, source_px(axis, x, i));
      const int sample = static_cast<int>(position);
      const double t = position - sample;
      weight[sample - first] += static_cast<float>(share * (1.0 - t));
      if (t > 0.0) weight[sample + 1 - first] += static_cast<float>(share * t);
    }
    // Without the zeros at either end
    const auto none = [](float w) { return w == 0.0f; };
    float* const end = weight + table.taps;
    float* const lead = std::find_if_not(weight, end, none);
    int count = static_cast<int>(end - lead);
    while (count > 0 && lead[count - 1] == 0.0f) --count;
    table.first[x] = count > 0 ? first + static_cast<int>(lead - weight) : 0;
    table.count[x] = count;
    if (count == 0) continue;
    std::fill(std::move(lead, lead + count, weight), end, 0.0f);
    table.begin = std::min(table.begin, table.first[x]);
    table.end = std::max(table.end, table.first[x] + count);
  }
  if (table.end == 0) table.begin = 0;
}

// `step`: floats from one sample to the next. The padding columns have no weight.
void spread(const Table& table, int step, int padded_count, Blocks& blocks) {
  const int outputs = static_cast<int>(table.count.size());
  const int most = outputs > 0 ? *std::max_element(table.count.begin(), table.count.end()) : 0;
  blocks.blocks = (std::max(most - 1, 0) * step + 1 + 7) / 8;
  const std::size_t size = static_cast<std::size_t>(blocks.blocks) * 8;
  blocks.first.assign(padded_count, 0);
  blocks.weight.assign(padded_count * size, 0.0f);
  blocks.both.assign(step == 2 ? padded_count * size : 0, 0.0f);
  for (int x = 0; x < outputs; ++x) {
    blocks.first[x] = table.first[x] * step;
    const float* weight = table.weight.data() + static_cast<std::size_t>(x) * table.taps;
    for (int k = 0; k < table.count[x]; ++k) {
      blocks.weight[x * size + k * step] = weight[k];
      if (step == 2) blocks.both[x * size + 2 * k] = blocks.both[x * size + 2 * k + 1] = weight[k];
    }
  }
}

void fill_plain(const Table& table, std::vector<unsigned char>& plain) {
  plain.assign(table.count.size(), 0);
  for (std::size_t y = 0; y < plain.size(); ++y) {
    const float* weight = table.weight.data() + y * table.taps;
    plain[y] = std::all_of(weight, weight + table.count[y], [](float w) { return w == 1.0f; });
  }
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

Geometry geometry(const Job& job) {
  return {job.affine,       job.taps,  job.chroma_taps, static_cast<int>(job.image.format), job.image.width,
          job.image.height, job.width, job.height,      job.channels,                       job.replicate};
}

bool same(const Taps& one, const Taps& other) { return one.x == other.x && one.y == other.y; }

bool same(const Affine& m, const Affine& n) {
  return m.a == n.a && m.b == n.b && m.c == n.c && m.d == n.d && m.e == n.e && m.f == n.f;
}

bool same(const Geometry& one, const Geometry& other) {
  return same(one.affine, other.affine) && same(one.taps, other.taps) && same(one.chroma_taps, other.chroma_taps) &&
         one.format == other.format && one.image_width == other.image_width &&
         one.image_height == other.image_height && one.width == other.width && one.height == other.height &&
         one.channels == other.channels && one.replicate == other.replicate;
}

}  // namespace

bool is_separable(const Job& job) {
  return job.affine.b == 0.0 && job.affine.d == 0.0 && (job.taps.x > 1 || job.taps.y > 1);
}

const SeparablePlan& separable_plan(const Job& job) {
  thread_local Workspace work;
  SeparablePlan& plan = work.plan;
  // Most calls repeat the one before: the whole picture, frame after frame.
  if (plan.row != nullptr && same(geometry(job), work.made_for)) return plan;
  plan.row = nullptr;
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
    Table &down = work.down[kind], &across = work.across[kind];
    Blocks& blocks = work.blocks[kind];
    fill(y, down);
    fill(x, across);
    fill_plain(down, work.plain[kind]);
    spread(across, any.step / info.sample_bytes, plan.padded_width, blocks);
    const auto* plain = work.plain[kind].data();
    plan.axes[kind] = {{down.first.data(), down.count.data(), down.weight.data(), plain, down.taps},
                       {blocks.first.data(), blocks.weight.data(), blocks.both.data(), blocks.blocks}};
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
    row_size = std::max(row_size, static_cast<std::size_t>(in_row + 8 * work.blocks[info.yuv && i > 0].blocks));
  }
  if (work.row.size() < row_size) work.row.resize(row_size);
  for (int i = 0; i < 3; ++i) {
    if (work.sums[i].size() < static_cast<std::size_t>(plan.padded_width)) work.sums[i].resize(plan.padded_width);
    plan.sums[i] = work.sums[i].data();
  }
  plan.cover_x = work.cover_x.data();
  plan.cover_y = work.cover_y.data();
  work.made_for = geometry(job);
  plan.row = work.row.data();  // last: the tables are whole
  return plan;
}

}  // namespace watchkeeper
