// Any job that kernels/module_arguments.cc lets through, over planes of exactly the bytes that were promised: not one byte
// beyond them is read or written (ASan), nothing undefined is done (UBSan), and both lane types give the same bits.
#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <memory>

#include "fuzz_input.h"
#include "preprocess_cpu.h"

using namespace watchkeeper;

namespace {

// A block of its own, of exactly so many bytes.
std::unique_ptr<std::uint8_t[]> block(std::size_t size) { return std::unique_ptr<std::uint8_t[]>(new std::uint8_t[size]); }

double coefficient(FuzzInput& in) {
  const int kind = in.between(0, 3);
  if (kind == 0) return in.between(-400, 400) / 100.0;
  if (kind == 1) return in.between(-8, 8);
  if (kind == 2) return in.between(-32000, 32000);
  const double any = in.take<double>();
  return std::fabs(any) <= 1e6 ? any : 0.0;  // kMaxCoefficient; what is not a number is not let through either
}

float number(FuzzInput& in) {
  const float any = in.take<float>();
  return std::isfinite(any) && std::fabs(any) < 1e6f ? any : 1.0f;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput in(data, size);
  Job job;
  ImageView& image = job.image;
  image.format = static_cast<PixelFormat>(in.between(0, kPixelFormatCount - 1));
  image.width = in.between(1, 120);
  image.height = in.between(1, 80);
  std::unique_ptr<std::uint8_t[]> planes[3];
  std::uint32_t noise = in.take<std::uint32_t>();
  for (int p = 0; p < format_info(image.format).plane_count; ++p) {
    const std::int64_t row = plane_row_bytes(image.format, p, image.width), stride = row + in.between(0, 9);
    const std::int64_t needed = stride * (plane_rows(image.format, p, image.height) - 1) + row;
    planes[p] = block(needed);
    for (std::int64_t i = 0; i < needed; ++i) planes[p][i] = static_cast<std::uint8_t>((noise = noise * 1664525u + 1013904223u) >> 24);
    image.planes[p] = {planes[p].get(), static_cast<std::int32_t>(stride), static_cast<std::int32_t>(needed)};
  }
  job.width = in.between(1, 70);
  job.height = in.between(1, 40);
  job.channels = in.flag() ? 3 : 1;
  job.planar = in.flag();
  job.element = static_cast<Element>(in.between(0, 2));
  job.replicate = in.flag();
  const auto color = static_cast<ColorMatrix>(in.between(0, kColorMatrixCount - 1));
  job.color = color_transform(image.format, color, job.channels);
  for (double* m : {&job.affine.a, &job.affine.b, &job.affine.c, &job.affine.d, &job.affine.e, &job.affine.f}) *m = coefficient(in);
  if (in.flag()) job.affine.b = job.affine.d = 0;
  const int most = in.between(0, 15) == 0 ? kMaxTaps : 5;
  job.taps = {in.between(1, most), in.between(1, most)};
  job.chroma_taps = {in.between(1, 3), in.between(1, 3)};
  job.level = in.between(0, kMaxLevel);
  job.pair_x = in.between(0, 1), job.pair_y = in.between(0, 1);
  if (job.chroma_taps.x != 1) job.pair_x = 0;
  if (job.chroma_taps.y != 1) job.pair_y = 0;
  if (is_separable(job)) job.level = job.pair_x = job.pair_y = 0;
  for (int k = 0; k < 3; ++k) job.scale[k] = number(in), job.bias[k] = number(in), job.border[k] = number(in);

  const std::size_t bytes = static_cast<std::size_t>(job.width) * job.height * job.channels * element_bytes(job.element);
  const auto scalar = block(bytes), simd = block(bytes);
  job.out = scalar.get();
  preprocess(job, false);
  job.out = simd.get();
  preprocess(job, true);
  if (std::memcmp(scalar.get(), simd.get(), bytes) != 0) std::abort();

  ExposureJob exposed;
  exposed.image = image;
  exposed.affine = job.affine;
  fill_levels(exposed, color);
  exposed.sharpness = in.flag();
  exposed.columns = job.width;
  exposed.rows = job.height;
  std::uint32_t histogram[256];
  ExposureTotals totals;
  exposure(exposed, histogram, totals);
  return 0;
}
