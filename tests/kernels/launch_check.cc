// The CUDA launches, run on the host thread by thread, against the CPU build: random pictures, one to eight regions of
// them in a launch, blocks of several shapes; and the exposure kernel likewise. Exits 1 at the first differing bit or at
// a byte written outside an output, else prints how many launches were the same.
#include <cstdio>
#include <cstring>

#include "launch_shim.h"
#include "preprocess.cu"
#include "random_job.h"

namespace {

constexpr std::size_t kGuard = 64;
using Entry = void (*)(Batch);
const Entry kEntries[kPixelFormatCount] = {preprocess_0, preprocess_1, preprocess_2, preprocess_3,
                                           preprocess_4, preprocess_5, preprocess_6, preprocess_7,
                                           preprocess_8, preprocess_9, preprocess_10};

unsigned ceil_div(int n, unsigned by) { return (static_cast<unsigned>(n) + by - 1) / by; }

const Index3 kBlocks[] = {{32, 8, 1}, {16, 16, 1}, {7, 3, 1}, {1, 1, 1}};

bool same_regions(Random& random, PixelFormat format, Index3 block) {
  const Picture picture(random, format);
  const Job common = random_job(random, picture.image);
  const int regions = random.between(1, kMaxRegions);
  const std::size_t size = out_bytes(common);
  std::vector<std::uint8_t> launched[kMaxRegions];
  Batch batch;
  for (int r = 0; r < regions; ++r) {
    Job job = common;
    if (r > 0) job.affine = random_affine(random);
    launched[r].assign(size + 2 * kGuard, 77);
    job.out = launched[r].data() + kGuard;
    batch.jobs[r] = prepared(job);
  }
  run_launch({ceil_div(common.width, block.x), ceil_div(common.height, block.y), static_cast<unsigned>(regions)}, block,
             kEntries[static_cast<int>(format)], batch);
  for (int r = 0; r < regions; ++r) {
    std::vector<std::uint8_t> expected(size + 2 * kGuard, 77);
    Job job = batch.jobs[r];
    job.out = expected.data() + kGuard;
    preprocess_direct(job);
    if (expected != launched[r]) return false;
  }
  return true;
}

bool same_exposure(Random& random, PixelFormat format, Index3 block) {
  const Picture picture(random, format);
  ExposureJob job;
  job.image = picture.image;
  job.affine = random_affine(random);
  job.columns = random.between(1, 40);
  job.rows = random.between(1, 40);
  job.sharpness = random.next() % 2;
  fill_levels(job, static_cast<ColorMatrix>(random.next() % kColorMatrixCount));
  std::uint32_t launched[256] = {}, expected[256];
  unsigned long long totals[2] = {};
  ExposureTotals expected_totals;
  run_launch({ceil_div(job.columns, block.x), ceil_div(job.rows, block.y), 1}, block, ::exposure, job, launched, totals);
  watchkeeper::exposure(job, expected, expected_totals);
  return std::memcmp(launched, expected, sizeof launched) == 0 && totals[0] == expected_totals.squares &&
         totals[1] == expected_totals.points;
}

}  // namespace

int main() {
  Random random;
  int same = 0;
  for (int round = 0; round < 880; ++round) {
    const PixelFormat format = static_cast<PixelFormat>(round % kPixelFormatCount);
    const Index3 block = kBlocks[round / kPixelFormatCount % 4];
    if (!same_regions(random, format, block) || !same_exposure(random, format, block)) {
      std::printf("round %d, format %d, block %ux%u: the launch differs from the CPU\n", round,
                  static_cast<int>(format), block.x, block.y);
      return 1;
    }
    same += 2;
  }
  std::printf("%d\n", same);
  return 0;
}
