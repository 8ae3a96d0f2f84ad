// Random pictures and jobs for the programs beside this file: the same sequence on every machine.
#pragma once

#include <vector>

#include "preprocess_cpu.h"

namespace watchkeeper {

class Random {
 public:
  std::uint32_t next() {  // Numerical Recipes' linear congruential generator; the high bits are the good ones
    state_ = state_ * 1664525u + 1013904223u;
    return state_ >> 8;
  }
  int between(int low, int high) {
    return low + static_cast<int>(next() % static_cast<std::uint32_t>(high - low + 1));
  }
  double fraction() { return next() / 16777216.0; }

 private:
  std::uint32_t state_ = 12345;
};

// A picture of noise that owns its planes, each of exactly the bytes it needs.
struct Picture {
  ImageView image;
  std::vector<std::uint8_t> planes[3];

  Picture(Random& random, PixelFormat format) {
    image.format = format;
    image.width = random.between(1, 150);
    image.height = random.between(1, 90);
    for (int p = 0; p < format_info(format).plane_count; ++p) {
      const int row = static_cast<int>(plane_row_bytes(format, p, image.width)), stride = row + random.between(0, 5);
      planes[p].resize(stride * (plane_rows(format, p, image.height) - 1) + row);
      for (auto& byte : planes[p]) byte = static_cast<std::uint8_t>(random.next());
      image.planes[p] = {planes[p].data(), stride, static_cast<std::int32_t>(planes[p].size())};
    }
  }
};

inline Affine random_affine(Random& random) {
  const double scale = 6.0 * random.fraction() - 3.0;
  // Sine and cosine would bring in the machine's own library: any two numbers will do.
  const bool upright = random.next() % 2;
  const double c = upright ? scale : scale * random.fraction(), s = upright ? 0.0 : scale * random.fraction();
  const double x = 80.0 * random.fraction() - 15.0, y = 80.0 * random.fraction() - 15.0;
  return {c, -s, x, s, c, y};
}

// The jobs with a faster path: a turned crop well inside the picture with one point a pixel (its longer side in whole
// groups of columns), and a whole reduction.
inline void make_usual(Random& random, Job& job) {
  const int longer = job.width > job.height ? job.width : job.height;
  const int w = job.image.width, h = job.image.height, shorter = w < h ? w : h;
  if (random.next() % 2 && shorter > 12) {
    const int swept = (longer + 15) / 16 * 16;
    const double k = (shorter - 10) / (2.5 * swept), turn = 0.25 * k;
    job.taps = job.chroma_taps = Taps{};
    job.affine = {k, -turn, 0, turn, k, 0};
    job.affine.c = 0.5 * (w - k * job.width + turn * job.height);
    job.affine.f = 0.5 * (h - turn * job.width - k * job.height);
    return;
  }
  const int n = random.between(2, 5);
  job.taps.x = job.taps.y = n;
  job.affine = {n * 1.0, 0, random.between(-20, 5) * 1.0, 0, n * 1.0, random.between(-20, 5) * 1.0};
}

// Averaging before, and shared chroma points, where the job may have them.
inline void make_coarser(Random& random, Job& job) {
  const bool whole = job.affine.b == 0 && job.affine.d == 0 && (job.taps.x > 1 || job.taps.y > 1);
  const int level = random.next() % 3 == 0 ? random.between(1, 3) : 0;
  const int pair_x = static_cast<int>(random.next() % 2), pair_y = static_cast<int>(random.next() % 2);
  if (whole) return;
  job.level = level;
  job.pair_x = job.chroma_taps.x == 1 ? pair_x : 0;
  job.pair_y = job.chroma_taps.y == 1 ? pair_y : 0;
}

inline Job random_job(Random& random, const ImageView& image) {
  Job job;
  job.image = image;
  job.width = random.between(1, 19);
  job.height = random.between(1, 9);
  job.channels = random.next() % 2 ? 3 : 1;
  job.planar = random.next() % 2;
  job.element = static_cast<Element>(random.next() % 3);
  job.replicate = random.next() % 2;
  job.color = color_transform(image.format, static_cast<ColorMatrix>(random.next() % kColorMatrixCount), job.channels);
  job.taps.x = random.between(1, 4), job.taps.y = random.between(1, 4);
  job.chroma_taps.x = random.between(1, 2), job.chroma_taps.y = random.between(1, 2);
  job.affine = random_affine(random);
  if (random.next() % 3 == 0) make_usual(random, job);
  make_coarser(random, job);
  for (int k = 0; k < 3; ++k) job.scale[k] = 0.5f + k, job.bias[k] = 3.0f * k, job.border[k] = 40.0f * k;
  return job;
}

// A crop as engines ask for, turned by up to 110 degrees, reduced by up to 2.2, in the picture or a little beyond: mostly one
// for tiles.h.
inline Job random_crop(Random& random, const ImageView& image) {
  Job job;
  job.image = image;
  job.width = random.between(16, 36), job.height = random.between(4, 20);
  if (random.next() % 8 != 0) job.width &= ~1, job.height &= ~1;
  job.planar = random.next() % 2;
  job.replicate = random.next() % 2;
  job.level = random.next() % 8 == 0 ? 1 : 0;
  job.pair_x = job.pair_y = static_cast<int>(random.next() % 2);
  job.color = color_transform(image.format, static_cast<ColorMatrix>(random.next() % kColorMatrixCount), 3);
  const double t = 3.0 * random.fraction() - 1.5, c = (1 - t * t) / (1 + t * t), s = 2 * t / (1 + t * t);
  const auto size = [](double v) { return v < 0 ? -v : v; };
  const double x = (image.width - 10) / (size(c) * job.width + size(s) * job.height);
  const double y = (image.height - 10) / (size(s) * job.width + size(c) * job.height);
  const double room = x < y ? x : y, wanted = 0.3 + 1.9 * random.fraction(), k = wanted < room ? wanted : room;
  const double a = k * c, d = k * s;
  job.affine = {a, -d, 0.5 * (image.width - a * job.width + d * job.height),
                d, a,  0.5 * (image.height - d * job.width - a * job.height)};
  for (int i = 0; i < 3; ++i) job.scale[i] = 1.0f / 255.0f, job.bias[i] = -0.5f, job.border[i] = 40.0f * i;
  return job;
}

inline std::size_t out_bytes(const Job& job) {
  return static_cast<std::size_t>(job.width) * job.height * job.channels * element_bytes(job.element);
}

}  // namespace watchkeeper
