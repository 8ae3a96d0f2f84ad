// What comes into watchkeeper._kernels from Python, checked once (module_arguments.cc), so that the loops behind it never
// read or write past a buffer. Whatever is wrong is a ValueError that names the argument.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "launch.h"
#include "preprocess_cpu.h"

namespace watchkeeper {

namespace nb = nanobind;

using Triple = std::array<float, 3>;
using AffineArray = std::array<double, 6>;
using TapsArray = std::array<int, 7>;  // watchkeeper.preprocess.plan.Taps

constexpr int kMaxSide = 1 << 14;

[[noreturn]] void fail(const std::string& what);

// A Python object's memory, held for the length of a call. Taking it copies nothing.
class HeldBuffer {
 public:
  HeldBuffer() = default;
  HeldBuffer(const HeldBuffer&) = delete;
  HeldBuffer& operator=(const HeldBuffer&) = delete;
  ~HeldBuffer() {
    if (view_.obj != nullptr) PyBuffer_Release(&view_);
  }
  void take(nb::handle object, int flags) {
    if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) throw nb::python_error();
  }
  const Py_buffer& view() const { return view_; }

 private:
  Py_buffer view_{};
};

struct Source {
  HeldBuffer buffers[3];
  ImageView image;
};

void take_source(Source& source, int format, int width, int height, nb::tuple planes, nb::tuple strides);

Affine checked_affine(const AffineArray& m);

ColorMatrix checked_color(int color);

// The regions of one picture, checked and ready: held by the caller for as long as the jobs are used.
struct Regions {
  Source source;
  HeldBuffer targets[kMaxRegions];
  Batch batch{};  // with its padding, which goes out as bytes
  std::size_t count = 0;
};

void take_regions(Regions& regions, int format, int color, int width, int height, nb::tuple planes, nb::tuple strides,
                  const std::vector<AffineArray>& affines, const std::vector<TapsArray>& taps, nb::tuple outs,
                  int out_width, int out_height, int channels, bool planar, const Triple& scale, const Triple& bias,
                  const std::optional<Triple>& border);

}  // namespace watchkeeper
