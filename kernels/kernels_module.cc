// Python bindings of the per-pixel work: watchkeeper._kernels. What comes from outside is checked here, once, so that
// the loops behind it never read or write past a buffer.
#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "launch.h"
#include "preprocess_cpu.h"

namespace nb = nanobind;
using namespace watchkeeper;

namespace {

using Triple = std::array<float, 3>;
using AffineArray = std::array<double, 6>;
using TapsArray = std::array<int, 4>;

constexpr int kMaxSide = 1 << 14;
constexpr double kMaxCoefficient = 1e6;

[[noreturn]] void fail(const std::string& what) { throw nb::value_error(what.c_str()); }

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

void take_source(Source& source, int format, int width, int height, nb::tuple planes, nb::tuple strides) {
  if (format < 0 || format >= kPixelFormatCount) fail("format: unknown number " + std::to_string(format));
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    fail("frame size " + std::to_string(width) + "x" + std::to_string(height) + ": expected 1.." +
         std::to_string(kMaxSide) + " each way");
  }
  ImageView& image = source.image;
  image.format = static_cast<PixelFormat>(format);
  image.width = width;
  image.height = height;
  const int count = format_info(image.format).plane_count;
  if (nb::len(planes) != static_cast<std::size_t>(count) || nb::len(strides) != static_cast<std::size_t>(count)) {
    fail("planes: this format has " + std::to_string(count) + ", got " + std::to_string(nb::len(planes)) +
         " with " + std::to_string(nb::len(strides)) + " strides");
  }
  for (int p = 0; p < count; ++p) {
    source.buffers[p].take(planes[p], PyBUF_SIMPLE);
    const Py_buffer& view = source.buffers[p].view();
    const std::int64_t stride = nb::cast<std::int64_t>(strides[p]);
    const std::int64_t row = plane_row_bytes(image.format, p, width);
    const std::int64_t needed = stride * (plane_rows(image.format, p, height) - 1) + row;
    const std::string name = "plane " + std::to_string(p);
    if (stride < row || stride > std::numeric_limits<std::int32_t>::max() / (kMaxSide + 1)) {
      fail(name + ": stride " + std::to_string(stride) + ", expected at least the " + std::to_string(row) +
           " bytes of a row");
    }
    if (view.len < needed) {
      fail(name + ": " + std::to_string(view.len) + " bytes, expected at least " + std::to_string(needed));
    }
    if (needed > std::numeric_limits<std::int32_t>::max()) fail(name + ": larger than 2 GiB");
    // What lies after the last row is never needed, so it is never read.
    image.planes[p] = {static_cast<const std::uint8_t*>(view.buf), static_cast<std::int32_t>(stride),
                       static_cast<std::int32_t>(needed)};
  }
}

Affine checked_affine(const AffineArray& m) {
  for (double v : m) {
    if (!(std::fabs(v) <= kMaxCoefficient)) fail("affine: expected finite numbers of at most 1e6");
  }
  return {m[0], m[1], m[2], m[3], m[4], m[5]};
}

ColorMatrix checked_color(int color) {
  if (color < 0 || color >= kColorMatrixCount) fail("color: unknown number " + std::to_string(color));
  return static_cast<ColorMatrix>(color);
}

// The output array: C-contiguous, writable, of the job's element type and with exactly its number of elements.
void take_out(HeldBuffer& buffer, nb::handle out, Job& job) {
  buffer.take(out, PyBUF_WRITABLE | PyBUF_FORMAT | PyBUF_C_CONTIGUOUS);
  const Py_buffer& view = buffer.view();
  const std::string format = view.format == nullptr ? "B" : view.format;
  if (format != "f" && format != "B" && format != "e") {
    fail("out: expected float32, float16 or uint8 elements, got '" + format + "'");
  }
  job.element = format == "B" ? Element::kUint8 : format == "e" ? Element::kFloat16 : Element::kFloat32;
  const std::int64_t needed =
      static_cast<std::int64_t>(job.width) * job.height * job.channels * element_bytes(job.element);
  if (view.len != needed) {
    fail("out: " + std::to_string(view.len) + " bytes, expected " + std::to_string(needed));
  }
  job.out = view.buf;
}

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
                  const std::optional<Triple>& border) {
  take_source(regions.source, format, width, height, planes, strides);
  const std::size_t count = affines.size();
  if (count < 1 || count > kMaxRegions || taps.size() != count || nb::len(outs) != count) {
    fail("regions: expected 1.." + std::to_string(kMaxRegions) + " affines with as many taps and outs, got " +
         std::to_string(count) + ", " + std::to_string(taps.size()) + " and " + std::to_string(nb::len(outs)));
  }
  if (out_width < 1 || out_height < 1 || out_width > kMaxSide || out_height > kMaxSide) fail("out: bad size");
  if (channels != 1 && channels != 3) fail("channels: expected 1 or 3, got " + std::to_string(channels));
  Job job;
  job.image = regions.source.image;
  job.width = out_width;
  job.height = out_height;
  job.channels = channels;
  job.planar = planar;
  job.color = color_transform(job.image.format, checked_color(color), channels);
  job.replicate = !border.has_value();
  for (int k = 0; k < 3; ++k) {
    job.scale[k] = scale[k];
    job.bias[k] = bias[k];
    job.border[k] = border ? (*border)[k] : 0.0f;
  }
  // All are checked before the first is begun: a refused call has written nothing.
  for (std::size_t r = 0; r < count; ++r) {
    Job& own = regions.batch.jobs[r] = job;
    own.affine = checked_affine(affines[r]);
    for (int n : taps[r]) {
      if (n < 1 || n > kMaxTaps) fail("taps: expected 1.." + std::to_string(kMaxTaps) + ", got " + std::to_string(n));
    }
    own.taps = {taps[r][0], taps[r][1]};
    own.chroma_taps = {taps[r][2], taps[r][3]};
    take_out(regions.targets[r], outs[r], own);
  }
  regions.count = count;
}

void bind_preprocess(int format, int color, int width, int height, nb::tuple planes, nb::tuple strides,
                     const std::vector<AffineArray>& affines, const std::vector<TapsArray>& taps, nb::tuple outs,
                     int out_width, int out_height, int channels, bool planar, const Triple& scale, const Triple& bias,
                     const std::optional<Triple>& border, bool simd) {
  Regions regions;
  take_regions(regions, format, color, width, height, planes, strides, affines, taps, outs, out_width, out_height,
               channels, planar, scale, bias, border);
  nb::gil_scoped_release unlocked;
  for (std::size_t r = 0; r < regions.count; ++r) preprocess(regions.batch.jobs[r], simd);
}

// The GPU's addresses in place of the host's. Nothing here follows them.
void move_planes(ImageView& image, const std::vector<std::uint64_t>& addresses) {
  const std::size_t count = static_cast<std::size_t>(format_info(image.format).plane_count);
  if (addresses.size() != count) {
    fail("plane_addresses: expected " + std::to_string(count) + ", got " + std::to_string(addresses.size()));
  }
  for (std::size_t p = 0; p < count; ++p) {
    image.planes[p].data = reinterpret_cast<const std::uint8_t*>(static_cast<std::uintptr_t>(addresses[p]));
  }
}

nb::bytes bind_preprocess_batch(int format, int color, int width, int height, nb::tuple planes, nb::tuple strides,
                                const std::vector<AffineArray>& affines, const std::vector<TapsArray>& taps,
                                nb::tuple outs, int out_width, int out_height, int channels, bool planar,
                                const Triple& scale, const Triple& bias, const std::optional<Triple>& border,
                                const std::vector<std::uint64_t>& plane_addresses,
                                const std::vector<std::uint64_t>& out_addresses) {
  Regions regions;
  take_regions(regions, format, color, width, height, planes, strides, affines, taps, outs, out_width, out_height,
               channels, planar, scale, bias, border);
  if (out_addresses.size() != regions.count) fail("out_addresses: expected one a region");
  for (std::size_t r = 0; r < regions.count; ++r) {
    Job job = prepared(regions.batch.jobs[r]);
    move_planes(job.image, plane_addresses);
    job.out = reinterpret_cast<void*>(static_cast<std::uintptr_t>(out_addresses[r]));
    regions.batch.jobs[r] = job;
  }
  return nb::bytes(&regions.batch, sizeof regions.batch);
}

template <class T>
T* exact_buffer(HeldBuffer& buffer, nb::handle object, const char* name, const std::string& formats, int count) {
  buffer.take(object, PyBUF_WRITABLE | PyBUF_FORMAT | PyBUF_C_CONTIGUOUS);
  const Py_buffer& view = buffer.view();
  const std::string format = view.format == nullptr ? "B" : view.format;
  if (view.len != count * static_cast<Py_ssize_t>(sizeof(T)) || view.itemsize != static_cast<Py_ssize_t>(sizeof(T)) ||
      format.size() != 1 || formats.find(format) == std::string::npos) {
    fail(std::string(name) + ": expected " + std::to_string(count) + " unsigned integers of " +
         std::to_string(sizeof(T)) + " bytes");
  }
  return static_cast<T*>(view.buf);
}

ExposureJob exposure_job(const ImageView& image, int color, const AffineArray& affine, int columns, int rows) {
  ExposureJob job;
  job.image = image;
  job.affine = checked_affine(affine);
  fill_levels(job, checked_color(color));
  if (columns < 1 || rows < 1 || columns > kMaxSide || rows > kMaxSide) fail("grid: expected 1..16384 points each way");
  job.columns = columns;
  job.rows = rows;
  return job;
}

void bind_exposure(int format, int color, int width, int height, nb::tuple planes, nb::tuple strides,
                   const AffineArray& affine, int columns, int rows, nb::handle histogram, nb::handle totals) {
  Source source;
  HeldBuffer counts, sums;
  take_source(source, format, width, height, planes, strides);
  ExposureJob job = exposure_job(source.image, color, affine, columns, rows);
  job.sharpness = !totals.is_none();
  std::uint32_t* into = exact_buffer<std::uint32_t>(counts, histogram, "histogram", "IL", 256);
  std::uint64_t* both = job.sharpness ? exact_buffer<std::uint64_t>(sums, totals, "totals", "LQ", 2) : nullptr;
  ExposureTotals found;
  {
    nb::gil_scoped_release unlocked;
    exposure(job, into, found);
  }
  if (both != nullptr) both[0] = found.squares, both[1] = found.points;
}

nb::bytes bind_exposure_job(int format, int color, int width, int height, nb::tuple planes, nb::tuple strides,
                            const AffineArray& affine, int columns, int rows, bool sharpness,
                            const std::vector<std::uint64_t>& plane_addresses) {
  Source source;
  take_source(source, format, width, height, planes, strides);
  ExposureJob job = exposure_job(source.image, color, affine, columns, rows);
  job.sharpness = sharpness;
  move_planes(job.image, plane_addresses);
  return nb::bytes(&job, sizeof job);
}

}  // namespace

NB_MODULE(_kernels, m) {
  m.doc() = "Per-pixel work over the camera's own buffers. See _kernels.pyi.";
  m.attr("MAX_TAPS") = kMaxTaps;
  m.attr("SIMD") = simd_name();
  m.attr("MAX_REGIONS") = kMaxRegions;
  m.attr("BATCH_BYTES") = sizeof(Batch);
  m.attr("EXPOSURE_JOB_BYTES") = sizeof(ExposureJob);
  m.def("preprocess", &bind_preprocess, nb::arg("pixel_format"), nb::arg("color"), nb::arg("width"), nb::arg("height"),
        nb::arg("planes"), nb::arg("strides"), nb::arg("affines"), nb::arg("taps"), nb::arg("outs"),
        nb::arg("out_width"), nb::arg("out_height"), nb::arg("channels"), nb::arg("planar"), nb::arg("scale"),
        nb::arg("bias"), nb::arg("border").none(), nb::arg("simd") = true);
  m.def("preprocess_batch", &bind_preprocess_batch, nb::arg("pixel_format"), nb::arg("color"), nb::arg("width"),
        nb::arg("height"), nb::arg("planes"), nb::arg("strides"), nb::arg("affines"), nb::arg("taps"), nb::arg("outs"),
        nb::arg("out_width"), nb::arg("out_height"), nb::arg("channels"), nb::arg("planar"), nb::arg("scale"),
        nb::arg("bias"), nb::arg("border").none(), nb::arg("plane_addresses"), nb::arg("out_addresses"));
  m.def("exposure_job", &bind_exposure_job, nb::arg("pixel_format"), nb::arg("color"), nb::arg("width"),
        nb::arg("height"), nb::arg("planes"), nb::arg("strides"), nb::arg("affine"), nb::arg("columns"),
        nb::arg("rows"), nb::arg("sharpness"), nb::arg("plane_addresses"));
  m.def("exposure", &bind_exposure, nb::arg("pixel_format"), nb::arg("color"), nb::arg("width"), nb::arg("height"),
        nb::arg("planes"), nb::arg("strides"), nb::arg("affine"), nb::arg("columns"), nb::arg("rows"),
        nb::arg("histogram"), nb::arg("totals").none() = nb::none());
}
