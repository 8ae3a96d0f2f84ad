// CUDA's launch vocabulary for a host compiler: enough to run kernels/preprocess.cu thread by thread, in any order of
// blocks, with the bounds of grid and block that the driver has. No kernel there shares memory or waits for another.
#pragma once

#include <cstdint>

#define __global__
#define __device__

struct Index3 {
  unsigned x, y, z;
};

static Index3 blockIdx, threadIdx, blockDim, gridDim;

template <class T>
T atomicAdd(T* at, T value) {
  const T before = *at;
  *at = before + value;
  return before;
}

// Threads of a block and blocks of a grid go backwards: nothing may depend on their order.
template <class Kernel, class... Arguments>
void run_launch(Index3 grid, Index3 block, Kernel kernel, Arguments... arguments) {
  gridDim = grid;
  blockDim = block;
  const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z, threads = block.x * block.y * block.z;
  for (std::uint64_t b = blocks; b-- > 0;) {
    blockIdx = {unsigned(b % grid.x), unsigned(b / grid.x % grid.y), unsigned(b / grid.x / grid.y)};
    for (std::uint64_t t = threads; t-- > 0;) {
      threadIdx = {unsigned(t % block.x), unsigned(t / block.x % block.y), unsigned(t / block.x / block.y)};
      kernel(arguments...);
    }
  }
}
