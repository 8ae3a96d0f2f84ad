// The launches: which thread has which pixel of which region, and nothing else. The maths is preprocess_core.h's,
// fixed_core.h's and exposure_core.h's, with one pixel a lane. Built by nvcc or NVRTC with --fmad=false (the CPU's -ffp-contract=off), and
// by g++ over tests/kernels/launch_shim.h to run the same lines where there is no GPU.
#include "exposure_core.h"
#include "fixed_core.h"
#include "launch.h"
#include "preprocess_store.h"

using namespace watchkeeper;

template <class L, PixelFormat kFormat, bool kChroma>
__device__ void region_pixel(const Job& job, int x, int y) {
  float out[3];
  if constexpr (format_info(kFormat).sample_bytes == 1) {
    if (job.fixed) {
      FixedTerms<L> terms = fixed_constant<L>(job.fixed_color);
      if constexpr (kChroma) {
        const FixedOrigin row = fixed_origin(job.chroma_map, y >> job.pair_y);
        terms = fixed_chroma<L, kFormat>(job, fixed_points<L>(job.chroma_map, row, x >> job.pair_x));
      }
      fixed_pixels<L, kFormat>(job, terms, fixed_points<L>(job.luma_map, fixed_origin(job.luma_map, y), x), out);
      return store_pixels<L>(job, out, x, y);
    }
  }
  const auto origin = [&](int j) { return row_origin(job.affine, job.taps.y, y, j); };
  const auto chroma_origin = [&](int j) { return chroma_row_origin(job, y, j); };
  const Sums<L> sums = sums_at<L, kFormat, kChroma, 0>(job, origin, chroma_origin, x);
  finish<L>(job, sums, shares_of(job), out);
  store_pixels<L>(job, out, x, y);
}

template <PixelFormat kFormat, bool kChroma>
__device__ void leveled_pixel(const Job& job, int x, int y) {
  if (job.level > 0) return region_pixel<BoxLanes, kFormat, kChroma>(job, x, y);
  region_pixel<ScalarLanes, kFormat, kChroma>(job, x, y);
}

// Grid: ceil(width / blockDim.x), ceil(height / blockDim.y), regions.
template <PixelFormat kFormat>
__device__ void region_thread(const Batch& batch) {
  const Job& job = batch.jobs[blockIdx.z];
  const int x = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int y = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
  if (x >= job.width || y >= job.height) return;
  if constexpr (format_info(kFormat).yuv) {
    if (job.channels == 3) return leveled_pixel<kFormat, true>(job, x, y);
  }
  leveled_pixel<kFormat, false>(job, x, y);
}

// One entry a format, called "preprocess_" and the number of it: what a thread reads is known when it is compiled.
#define WK_ENTRY(number) \
  extern "C" __global__ void preprocess_##number(const Batch batch) { region_thread<static_cast<PixelFormat>(number)>(batch); }
WK_ENTRY(0)
WK_ENTRY(1)
WK_ENTRY(2)
WK_ENTRY(3)
WK_ENTRY(4)
WK_ENTRY(5)
WK_ENTRY(6)
WK_ENTRY(7)
WK_ENTRY(8)
WK_ENTRY(9)
WK_ENTRY(10)
static_assert(kPixelFormatCount == 11, "an entry for each format");

// Grid: ceil(columns / blockDim.x), ceil(rows / blockDim.y). `histogram` and `totals` (squares, points) start at 0.
extern "C" __global__ void exposure(const ExposureJob job, std::uint32_t* histogram, unsigned long long* totals) {
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int row = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
  if (column >= job.columns || row >= job.rows) return;
  const ExposurePoint point = exposure_point(job, column, row);
  if (point.level < 0) return;
  atomicAdd(histogram + point.level, 1u);
  if (!point.sharpness) return;
  atomicAdd(totals, static_cast<unsigned long long>(point.laplacian * point.laplacian));
  atomicAdd(totals + 1, 1ull);
}
