// The reduced picture of box_core.h on the CPU: only the rows under the job's region and of each only the columns, at their
// places in memory for the whole one, so that every position in it is the same as on the GPU.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>

#include "preprocess_cpu.h"

namespace watchkeeper {
namespace {

// Memory that is not touched before it is used: of a large picture only the region's rows ever are.
struct Store {
  std::unique_ptr<std::uint8_t[]> bytes;
  std::size_t size = 0;
};

struct Span {
  int begin, end;
};

struct Corner {
  double x, y;
};

// Columns of the samples within kMargin of the region, in row y; clamped to the plane, empty where there are none.
constexpr double kMargin = 3.0;

Span columns_of(const Corner corners[4], int y, int extent) {
  const double top = y - kMargin, bottom = y + 1 + kMargin;
  double low = 1e9, high = -1e9;
  for (int i = 0; i < 4; ++i) {
    const Corner p = corners[i], q = corners[(i + 1) % 4];
    if (std::max(p.y, q.y) < top || std::min(p.y, q.y) > bottom) continue;
    const auto x_at = [&](double level) {
      const double t = q.y == p.y ? 0.0 : std::clamp((level - p.y) / (q.y - p.y), 0.0, 1.0);
      return p.x + t * (q.x - p.x);
    };
    for (const double x : {x_at(top), x_at(bottom), p.y == q.y ? q.x : x_at(top)}) {
      low = std::min(low, x), high = std::max(high, x);
    }
  }
  if (low > high) return {0, 0};
  const double last = extent - 1;
  // Points outside the plane read its outermost samples.
  return {static_cast<int>(std::clamp(std::floor(low - kMargin), 0.0, last)),
          static_cast<int>(std::clamp(std::ceil(high + kMargin), 0.0, last)) + 1};
}

// The corners of everything that the row loops sample, in the component's samples.
void corners_of(const Job& job, const Component& c, Corner corners[4]) {
  const auto whole = [](int n) { return (n + kFixedColumns - 1) / kFixedColumns * kFixedColumns; };
  const int width = whole(job.width), height = job.height + kFixedRows;
  const double kx = c.shift_x ? 0.5 : 1.0, ky = c.shift_y ? 0.5 : 1.0;
  const int at[4][2] = {{0, 0}, {width, 0}, {width, height}, {0, height}};
  for (int i = 0; i < 4; ++i) {
    const double x = at[i][0], y = at[i][1];
    const Affine& m = job.affine;
    corners[i] = {(m.a * x + m.b * y + m.c) * kx, (m.d * x + m.e * y + m.f) * ky};
  }
}

void one_by_one(const Job& job, const Component& c, int sample_bytes, int y, Span span, std::uint8_t* row) {
  for (int x = span.begin; x < span.end; ++x) {
    std::uint8_t* to = row + c.offset + static_cast<std::ptrdiff_t>(x) * c.step;
    if (sample_bytes == 2) {
      const std::int32_t word = box_sample<2>(job.image, c, job.level, x, y);
      to[0] = static_cast<std::uint8_t>(word), to[1] = static_cast<std::uint8_t>(word >> 8);
    } else {
      to[0] = static_cast<std::uint8_t>(box_sample<1>(job.image, c, job.level, x, y));
    }
  }
}

// A component, or two that take turns in a plane of bytes.
void fill(const Job& job, const RowFunctions& rows, const Component& c, bool both, int sample_bytes, const Plane& to) {
  Corner corners[4];
  corners_of(job, c, corners);
  const int extent_x = reduced_extent(job.image.width, c.shift_x, job.level);
  const int extent_y = reduced_extent(job.image.height, c.shift_y, job.level);
  const int whole_x = component_extent(job.image.width, c.shift_x) >> job.level;
  const int whole_y = component_extent(job.image.height, c.shift_y) >> job.level;
  const auto [least, most] = std::minmax_element(corners, corners + 4, [](Corner p, Corner q) { return p.y < q.y; });
  const double last = extent_y - 1;
  const int begin = static_cast<int>(std::clamp(std::floor(least->y - kMargin), 0.0, last));
  const int end = static_cast<int>(std::clamp(std::ceil(most->y + kMargin), 0.0, last)) + 1;
  const bool bytes = sample_bytes == 1 && (both || c.step == 1);
  const Plane& plane = job.image.planes[c.plane];
  for (int y = begin; y < end; ++y) {
    // The first and the last row stand for all that lie beyond them.
    const bool outermost = y == 0 || y == extent_y - 1;
    Span span = outermost ? Span{0, extent_x} : columns_of(corners, y, extent_x);
    std::uint8_t* row = const_cast<std::uint8_t*>(to.data) + static_cast<std::ptrdiff_t>(y) * to.stride;
    const int until = std::min(span.end, whole_x);
    if (bytes && y < whole_y && span.begin < until) {
      const int step = both ? 2 : 1;
      const std::uint8_t* from = plane.data + (static_cast<std::ptrdiff_t>(y) << job.level) * plane.stride +
                                 (static_cast<std::ptrdiff_t>(span.begin) << job.level) * step;
      rows.reduced(from, plane.stride, step, job.level, (until - span.begin) * step, row + span.begin * step);
      span.begin = until;
    }
    one_by_one(job, c, sample_bytes, y, span, row);
    if (!both) continue;
    Component other = c;
    other.offset = 1 - c.offset;
    one_by_one(job, other, sample_bytes, y, span, row);
  }
}

}  // namespace

Job over_reduced_picture(const Job& job, const RowFunctions& rows) {
  thread_local Store stores[3];
  const FormatInfo info = format_info(job.image.format);
  Job over = job;
  over.level = 0;
  over.image.width = reduced_extent(job.image.width, 0, job.level);
  over.image.height = reduced_extent(job.image.height, 0, job.level);
  for (int p = 0; p < info.plane_count; ++p) {
    const std::int64_t stride = plane_row_bytes(job.image.format, p, over.image.width);
    const std::size_t size = static_cast<std::size_t>(stride) * plane_rows(job.image.format, p, over.image.height);
    if (stores[p].size < size) stores[p] = {std::unique_ptr<std::uint8_t[]>(new std::uint8_t[size]), size};
    over.image.planes[p] = {stores[p].bytes.get(), static_cast<std::int32_t>(stride), static_cast<std::int32_t>(size)};
  }
  const int components = info.yuv && job.channels == 1 ? 1 : info.component_count;
  for (int i = 0; i < components; ++i) {
    const Component& c = info.components[i];
    const bool both = i == 1 && info.components[2].plane == c.plane && c.step == 2;
    fill(job, rows, c, both, info.sample_bytes, over.image.planes[c.plane]);
    if (both) break;
  }
  return over;
}

}  // namespace watchkeeper
