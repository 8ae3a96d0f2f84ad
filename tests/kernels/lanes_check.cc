// Random jobs through the scalar lanes and through this machine's SIMD lanes: exits 1 at the first differing bit, else
// prints the lanes' name and a digest of all outputs, which is the same on every machine.
#include <cstdio>
#include <cstring>
#include <vector>

#include "preprocess_cpu.h"

using namespace watchkeeper;

namespace {

std::uint32_t state = 12345;

std::uint32_t next() {  // Numerical Recipes' linear congruential generator; the high bits are the good ones
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

int between(int low, int high) { return low + static_cast<int>(next() % static_cast<std::uint32_t>(high - low + 1)); }

double fraction() { return next() / 16777216.0; }

}  // namespace

int main() {
  std::uint32_t digest = 2166136261u;  // FNV-1a
  for (int round = 0; round < 3000; ++round) {
    Job job;
    ImageView& image = job.image;
    image.format = static_cast<PixelFormat>(round % kPixelFormatCount);
    image.width = between(1, 50);
    image.height = between(1, 50);
    std::vector<std::uint8_t> planes[3];
    for (int p = 0; p < format_info(image.format).plane_count; ++p) {
      const int row = static_cast<int>(plane_row_bytes(image.format, p, image.width)), stride = row + between(0, 5);
      planes[p].resize(stride * (plane_rows(image.format, p, image.height) - 1) + row);
      for (auto& byte : planes[p]) byte = static_cast<std::uint8_t>(next());
      image.planes[p] = {planes[p].data(), stride, static_cast<std::int32_t>(planes[p].size())};
    }
    job.width = between(1, 19);
    job.height = between(1, 9);
    job.channels = next() % 2 ? 3 : 1;
    job.planar = next() % 2;
    job.bytes = next() % 2;
    job.replicate = next() % 2;
    job.color = color_transform(image.format, static_cast<ColorMatrix>(next() % kColorMatrixCount), job.channels);
    job.taps = {between(1, 4), between(1, 4)};
    job.chroma_taps = {between(1, 2), between(1, 2)};
    const double scale = 6.0 * fraction() - 3.0;
    // Sine and cosine would bring in the machine's own library: any two numbers will do.
    const bool upright = next() % 2;
    const double c = upright ? scale : scale * fraction(), s = upright ? 0.0 : scale * fraction();
    job.affine = {c, -s, 80.0 * fraction() - 15.0, s, c, 80.0 * fraction() - 15.0};
    for (int k = 0; k < 3; ++k) job.scale[k] = 0.5f + k, job.bias[k] = 3.0f * k, job.border[k] = 40.0f * k;
    const std::size_t size = static_cast<std::size_t>(job.width) * job.height * job.channels * (job.bytes ? 1 : 4);
    std::vector<std::uint8_t> scalar(size), simd(size);
    job.out = scalar.data();
    preprocess(job, false);
    job.out = simd.data();
    preprocess(job, true);
    if (std::memcmp(scalar.data(), simd.data(), size) != 0) {
      std::printf("round %d: %s differs from scalar\n", round, simd_name());
      return 1;
    }
    for (std::uint8_t byte : scalar) digest = (digest ^ byte) * 16777619u;
  }
  std::printf("%s %08x\n", simd_name(), digest);
  return 0;
}
