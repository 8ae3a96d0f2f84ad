// The CPU side of the pass: what kernels_module.cc calls, and the row loops each lane type is compiled with.
#pragma once

#include "preprocess_core.h"

namespace watchkeeper {

// Whole pass for one picture. Everything in `job` was checked by the caller. `simd` false forces the scalar lanes (the
// results are the same bits).
void preprocess(const Job& job, bool simd);

// Name of the lanes that `preprocess(job, true)` uses on this machine: "avx2", "neon" or "scalar".
const char* simd_name();

// Counts grey levels 0..255 (full range, rounded; an RGB source's Y' by `matrix`) of the pixels hit by a grid of
// columns x rows points, (column + 0.5, row + 0.5) through `affine`. Points outside the picture are not counted.
void luma_histogram(const ImageView& image, ColorMatrix matrix, const Affine& affine, int columns, int rows,
                    std::uint32_t histogram[256]);

// An axis-aligned reduction splits into rows and columns: the sample points' weights are summed per source sample
// beforehand (separable_plan.cc), and the pass becomes one sweep down and one across.
struct AxisWeights {
  const std::int32_t* first = nullptr;  // [outputs] first source sample of each output position
  const float* weight = nullptr;        // of source sample first + k, all of which exist; order below
  int taps = 0;
};

struct AxisPair {
  AxisWeights down;    // outputs: the height; weight[output][k]
  AxisWeights across;  // outputs: the padded width; weight[k][output]
};

struct SeparablePlan {
  int padded_width = 0;       // output width rounded up to kPad; the columns beyond it have weight 0
  AxisPair axes[2];           // [0] of luma or R, G, B, with the points' weights in them; [1] of chroma
  int begin[3] = {}, end[3] = {};  // bytes of a plane's rows that are read at all
  const float* cover_x = nullptr;  // [padded width] how much of each column's points is in the picture, summed
  const float* cover_y = nullptr;  // [height] likewise of each row's
  float* row = nullptr;       // scratch: a vertically weighted row of a plane
  float* sums[3] = {};        // scratch: [padded width] a component
};

constexpr int kPad = 8;  // no lane type is wider

// True where the job is a reduction along both image axes, so that the split gives the same result in less time.
bool is_separable(const Job& job);

// Fills this thread's tables for `job`; they stay valid until the next call on the thread. Allocates only to grow.
const SeparablePlan& separable_plan(const Job& job);

struct RowFunctions {
  const char* name;
  void (*direct)(const Job& job);
  void (*separable)(const Job& job, const SeparablePlan& plan);
};

RowFunctions avx2_rows();  // only where WK_HAVE_AVX2 is defined and the machine has it
RowFunctions neon_rows();  // only where WK_HAVE_NEON is defined

}  // namespace watchkeeper
