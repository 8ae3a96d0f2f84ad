// What follows from a job once for all of its pixels: positions in the reduced picture, whether the border matters, and the
// coefficients of fixed_core.h. On the host, for the CPU's rows and for a launch alike.
#include <cmath>

#include "preprocess_cpu.h"

namespace watchkeeper {
namespace {

// `columns`: points in a row. kx, ky: samples to a pixel. Points are 2^pair pixels apart, in the middle of their pixels.
FixedMap fixed_map(const Affine& m, double kx, double ky, int pair_x, int pair_y, int columns) {
  const double half_quantum = 1.0 / 256.0, across = 1 << pair_x, down = 1 << pair_y;
  const auto exact = [](double v) { return static_cast<std::int64_t>(std::llround(v * 4294967296.0)); };
  const auto axis = [&](double a, double b, double c, double k, std::int64_t& row, std::int64_t& origin) {
    const double step = a * k * across, pitch = b * k * down;
    const std::int32_t whole = static_cast<std::int32_t>(std::lround(step * 65536.0));
    // What rounding the step adds up to is shared out about the middle of the row.
    const double drift = (step - whole / 65536.0) * 0.5 * (columns - 1);
    row = exact(pitch);
    origin = exact(c * k + 0.5 * (step + pitch) - 0.5 + half_quantum + drift);
    return whole;
  };
  FixedMap map;
  map.a = axis(m.a, m.b, m.c, kx, map.b, map.c);
  map.d = axis(m.d, m.e, m.f, ky, map.e, map.f);
  return map;
}

FixedColor fixed_color(const Job& job) {
  FixedColor color;
  for (int k = 0; k < job.channels; ++k) {
    const double scale = job.scale[k], bias = job.bias[k];
    double constant = job.color.m[k][3];
    for (int i = 0; i < 3; ++i) {
      const double m = job.color.m[k][i];
      color.m[k][i] = static_cast<float>(m * scale / 128.0);
      constant += 128.0 * m;
    }
    // Components that the format has not got are level 0, which is -128 here; their coefficients are 0.
    color.m[k][3] = static_cast<float>(constant * scale + bias);
    const float black = static_cast<float>(bias), white = static_cast<float>(255.0 * scale + bias);
    color.low[k] = black < white ? black : white;
    color.high[k] = black < white ? white : black;
  }
  return color;
}

bool one(Taps taps) { return taps.x == 1 && taps.y == 1; }

int whole_groups(int n, int of) { return (n + of - 1) / of * of; }

bool can_be_fixed(const Job& job) {
  const FormatInfo info = format_info(job.image.format);
  return info.sample_bytes == 1 && one(job.taps) && (!info.yuv || job.channels == 1 || one(job.chroma_taps)) &&
         job.width <= kFixedMostColumns &&
         is_inside(job, whole_groups(job.width, kFixedColumns), whole_groups(job.height, kFixedRows), kDeepPx);
}

}  // namespace

bool is_inside(const Job& job, int width, int height, double margin_px) {
  const Affine& m = job.affine;
  for (int corner = 0; corner < 4; ++corner) {
    const double x = corner % 2 ? width : 0, y = corner / 2 ? height : 0;
    const double sx = m.a * x + m.b * y + m.c, sy = m.d * x + m.e * y + m.f;
    // A hundredth of a pixel more, for what single precision makes of the points.
    const double edge = margin_px + 0.01;
    if (!(sx > edge && sy > edge && sx < job.extent_x - edge && sy < job.extent_y - edge)) return false;
  }
  return true;
}

Job prepared(const Job& asked) {
  Job job = asked;
  if (job.extent_x > 0) return job;  // already
  const double shrink = 1.0 / (1 << job.level);
  const Affine& m = asked.affine;
  job.affine = {m.a * shrink, m.b * shrink, m.c * shrink, m.d * shrink, m.e * shrink, m.f * shrink};
  job.extent_x = static_cast<float>(job.image.width * shrink);
  job.extent_y = static_cast<float>(job.image.height * shrink);
  job.replicate = job.replicate || is_inside(job, job.width, job.height, 0.5);
  job.fixed = can_be_fixed(job);
  if (!job.fixed) return job;
  job.luma_map = fixed_map(job.affine, 1.0, 1.0, 0, 0, job.width);
  const FormatInfo info = format_info(job.image.format);
  if (info.yuv) {
    const Component& chroma = info.components[1];
    const int columns = (job.width + job.pair_x) >> job.pair_x;
    job.chroma_map = fixed_map(job.affine, chroma.shift_x ? 0.5 : 1.0, chroma.shift_y ? 0.5 : 1.0, job.pair_x,
                               job.pair_y, columns);
  }
  job.fixed_color = fixed_color(job);
  return job;
}

}  // namespace watchkeeper
