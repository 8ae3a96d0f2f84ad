// What a launch is given by value: filled on the host (kernels_module.cc), read on the GPU (preprocess.cu). The GPU's
// compilers lay structures out as the host's do (CUDA Programming Guide, Data Layout).
#pragma once

#include "preprocess_core.h"

namespace watchkeeper {

// The regions of one picture that go into one launch: blockIdx.z. A launch takes up to 4 KiB.
struct Batch {
  Job jobs[kMaxRegions];
};
static_assert(sizeof(Batch) <= 4096, "a launch's parameters");

}  // namespace watchkeeper
