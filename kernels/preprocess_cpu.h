// The CPU side of the pass: what kernels_module.cc calls, and the row loops each lane type is compiled with.
#pragma once

#include "exposure_core.h"
#include "fixed_core.h"
#include "preprocess_core.h"

namespace watchkeeper {

// Whole pass for one picture. Everything in `job` was checked by the caller. `lanes`: a number of lanes_here(); the results
// are the same bits with all of them.
void preprocess(const Job& job, int lanes = 0);

// `job` as a launch takes it: in samples of the reduced picture, no border work where no sample point meets the border,
// in whole numbers where it can be (prepared_job.cc).
Job prepared(const Job& job);

// The pass without the split into rows and columns below, one pixel at a time: what the GPU's kernel computes, bit by bit.
void preprocess_direct(const Job& job);

// See exposure_core.h. Overwrites both.
void exposure(const ExposureJob& job, std::uint32_t histogram[256], ExposureTotals& totals);

// An axis-aligned reduction splits into rows and columns: the sample points' weights are summed per source sample
// beforehand (separable_plan.cc), and the pass becomes one sweep down and one across.
struct DownWeights {
  const std::int32_t* first = nullptr;  // [height] first source row of each output row
  const std::int32_t* count = nullptr;  // [height] source rows that have a weight
  const float* weight = nullptr;        // [height][taps] of source row first + k
  const unsigned char* plain = nullptr;          // [height] all weights are 1: a sum of whole numbers
  int taps = 0;
};

struct AcrossWeights {
  const std::int32_t* first = nullptr;  // [padded width] place in a row, component offset left out
  const float* weight = nullptr;        // [padded width][blocks * 8] of row[first + offset + k]; 0 between the samples
  const float* both = nullptr;  // the same with every weight twice, for two components that take turns
  int blocks = 0;
};

struct AxisPair {
  DownWeights down;
  AcrossWeights across;
};

struct SeparablePlan {
  int padded_width = 0;       // output width rounded up to kPad; the columns beyond it have weight 0
  AxisPair axes[2];           // [0] of luma or R, G, B, with the points' weights in them; [1] of chroma
  int begin[3] = {}, end[3] = {};  // samples of a plane's rows that are read at all
  const float* cover_x = nullptr;  // [padded width] how much of each column's points is in the picture, summed
  const float* cover_y = nullptr;  // [height] likewise of each row's
  float* row = nullptr;       // scratch: a vertically weighted row of a plane, and what the last block reads past it
  float* sums[3] = {};        // scratch: [padded width] a component
};

// Whether every sample point of the first `width` columns and `height` rows of a prepared job is at least that many samples
// inside the picture; from half a sample on none meets the border.
bool is_inside(const Job& job, int width, int height, double margin_px);

// So deep in the picture that neither a coarser grid's neighbours nor a load of a few bytes too many can leave it.
constexpr double kDeepPx = 4.0;

constexpr int kPad = 8;  // no lane type is wider

// True where the job is a reduction along both image axes, so that the split gives the same result in less time.
bool is_separable(const Job& job);

// This thread's tables for `job`, filled unless the call before was for the same geometry; they stay valid until the
// next call on the thread. Allocates only to grow.
const SeparablePlan& separable_plan(const Job& job);

struct RowFunctions {
  const char* name = nullptr;
  void (*direct)(const Job& job) = nullptr;
  void (*separable)(const Job& job, const SeparablePlan& plan) = nullptr;
  void (*reduced)(const std::uint8_t* from, std::int64_t stride, int step, int level, int count,
                  std::uint8_t* to) = nullptr;
};

// What this machine has, the fastest first; "scalar", which every machine has, last.
struct Lanes {
  RowFunctions rows[3];
  int count = 0;
};
const Lanes& lanes_here();

// A prepared job over the reduced picture, of which what the job reads is worked out (reduced_picture.cc); it is valid
// until the next call on the thread. Allocates only to grow.
Job over_reduced_picture(const Job& job, const RowFunctions& rows);

RowFunctions avx512_rows();  // only where WK_HAVE_AVX512 is defined and the machine has what lanes_here() asks for
RowFunctions avx2_rows();  // only where WK_HAVE_AVX2 is defined and the machine has it
RowFunctions neon_rows();  // only where WK_HAVE_NEON is defined

}  // namespace watchkeeper
