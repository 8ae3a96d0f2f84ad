// kernels/preprocess.cu as a library that the fake driver (tests/fakes/fake_launch.py) launches from: where the addresses
// are in a launch's parameters and how many bytes are behind each, and the launch itself, thread by thread.
#include <cstdint>
#include <cstring>

#include "launch_shim.h"
#include "preprocess.cu"

namespace {

constexpr int kExposure = kPixelFormatCount;  // entries: preprocess_0 .. preprocess_10, exposure

struct ExposureArguments {
  ExposureJob job;
  std::uint32_t* histogram;
  unsigned long long* totals;
};

using Entry = void (*)(Batch);
const Entry kEntries[kPixelFormatCount] = {preprocess_0, preprocess_1, preprocess_2, preprocess_3,
                                           preprocess_4, preprocess_5, preprocess_6, preprocess_7,
                                           preprocess_8, preprocess_9, preprocess_10};

// One address: the byte of the parameters it is at, the bytes behind it, whether they are overwritten whole.
struct Range {
  std::int64_t at, bytes, overwritten;
};

int add_planes(const ImageView& image, const char* base, Range* to) {
  const int count = format_info(image.format).plane_count;
  for (int p = 0; p < count; ++p) {
    to[p] = {reinterpret_cast<const char*>(&image.planes[p].data) - base, image.planes[p].size, 0};
  }
  return count;
}

}  // namespace

extern "C" std::int64_t parameter_bytes(int entry) { return entry == kExposure ? sizeof(ExposureArguments) : sizeof(Batch); }

// How many ranges there are (at most 32), -1 where a picture's format is not the entry's.
extern "C" int address_ranges(int entry, const void* parameters, unsigned regions, Range* to) {
  const char* base = static_cast<const char*>(parameters);
  if (entry == kExposure) {
    const auto* all = static_cast<const ExposureArguments*>(parameters);
    const int count = add_planes(all->job.image, base, to);
    to[count] = {reinterpret_cast<const char*>(&all->histogram) - base, 256 * 4, 0};
    to[count + 1] = {reinterpret_cast<const char*>(&all->totals) - base, 16, 0};
    return count + 2;
  }
  int count = 0;
  for (unsigned r = 0; r < regions; ++r) {
    const Job& job = static_cast<const Batch*>(parameters)->jobs[r];
    if (static_cast<int>(job.image.format) != entry) return -1;
    count += add_planes(job.image, base, to + count);
    const std::int64_t bytes = std::int64_t{job.width} * job.height * job.channels * element_bytes(job.element);
    to[count++] = {reinterpret_cast<const char*>(&job.out) - base, bytes, 1};
  }
  return count;
}

extern "C" void launch(int entry, const void* parameters, const unsigned* grid, const unsigned* block) {
  const Index3 blocks{grid[0], grid[1], grid[2]}, threads{block[0], block[1], block[2]};
  if (entry == kExposure) {
    const auto* all = static_cast<const ExposureArguments*>(parameters);
    run_launch(blocks, threads, ::exposure, all->job, all->histogram, all->totals);
  } else {
    run_launch(blocks, threads, kEntries[entry], *static_cast<const Batch*>(parameters));
  }
}
