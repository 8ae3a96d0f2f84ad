// Random jobs through the scalar lanes and through all the others that this machine has: exits 1 at the first differing bit,
// else prints the lanes' names and a digest of all outputs, which is the same on every machine.
#include <cstdio>
#include <cstring>

#include "random_job.h"
#include "tiles.h"

using namespace watchkeeper;

namespace {

constexpr int kRounds = 4400, kTiledRounds = 3300;

// Whether the outputs are the scalar lanes', whose bytes go into the digest.
bool all_alike(int round, Job& job, std::uint32_t& digest) {
  const Lanes& lanes = lanes_here();
  std::vector<std::uint8_t> scalar(out_bytes(job)), other(scalar.size());
  job.out = scalar.data();
  preprocess(job, lanes.count - 1);
  job.out = other.data();
  for (int i = 0; i < lanes.count - 1; ++i) {
    other.assign(other.size(), 77);
    preprocess(job, i);
    if (std::memcmp(scalar.data(), other.data(), scalar.size()) == 0) continue;
    std::printf("round %d: %s differs from scalar\n", round, lanes.rows[i].name);
    return false;
  }
  for (std::uint8_t byte : scalar) digest = (digest ^ byte) * 16777619u;
  return true;
}

}  // namespace

int main() {
  Random random;
  std::uint32_t digest = 2166136261u;  // FNV-1a
  for (int round = 0; round < kRounds; ++round) {
    const Picture picture(random, static_cast<PixelFormat>(round % kPixelFormatCount));
    Job job = random_job(random, picture.image);
    if (!all_alike(round, job, digest)) return 1;
  }
  int tiled[2] = {};  // by low windows, by high ones
  for (int round = kRounds; round < kRounds + kTiledRounds; ++round) {
    constexpr PixelFormat kFormats[] = {PixelFormat::kNv12, PixelFormat::kI420, PixelFormat::kGrey8};
    const Picture picture(random, kFormats[round % 3]);
    Job job = random_crop(random, picture.image);
    const int rows = tile_window_rows(prepared(job));
    if (rows > 0) ++tiled[rows == kHighWindow];
    if (!all_alike(round, job, digest)) return 1;
  }
  if (tiled[0] < kTiledRounds / 20 || tiled[1] < kTiledRounds / 20) {
    std::printf("of %d jobs for tiles only %d have low windows and %d high ones\n", kTiledRounds, tiled[0], tiled[1]);
    return 1;
  }
  for (int i = 0; i < lanes_here().count; ++i) std::printf(i > 0 ? ",%s" : "%s", lanes_here().rows[i].name);
  std::printf(" %08x\n", digest);
  return 0;
}
