// Python bindings of the per-pixel work: watchkeeper._kernels. Arguments are checked by module_arguments.cc.
#include <cstdint>

#include "module_arguments.h"

using namespace watchkeeper;

namespace {

void bind_preprocess(int format, int color, int width, int height, nb::tuple planes, nb::tuple strides,
                     const std::vector<AffineArray>& affines, const std::vector<TapsArray>& taps, nb::tuple outs,
                     int out_width, int out_height, int channels, bool planar, const Triple& scale, const Triple& bias,
                     const std::optional<Triple>& border, int lanes) {
  Regions regions;
  take_regions(regions, format, color, width, height, planes, strides, affines, taps, outs, out_width, out_height,
               channels, planar, scale, bias, border);
  if (lanes < 0 || lanes >= lanes_here().count) fail("lanes: expected the place of one in LANES, got " + std::to_string(lanes));
  nb::gil_scoped_release unlocked;
  for (std::size_t r = 0; r < regions.count; ++r) preprocess(regions.batch.jobs[r], lanes);
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
  nb::list lanes;
  for (int i = 0; i < lanes_here().count; ++i) lanes.append(lanes_here().rows[i].name);
  m.attr("LANES") = nb::tuple(lanes);
  m.attr("MAX_REGIONS") = kMaxRegions;
  m.attr("BATCH_BYTES") = sizeof(Batch);
  m.attr("EXPOSURE_JOB_BYTES") = sizeof(ExposureJob);
  m.def("preprocess", &bind_preprocess, nb::arg("pixel_format"), nb::arg("color"), nb::arg("width"), nb::arg("height"),
        nb::arg("planes"), nb::arg("strides"), nb::arg("affines"), nb::arg("taps"), nb::arg("outs"),
        nb::arg("out_width"), nb::arg("out_height"), nb::arg("channels"), nb::arg("planar"), nb::arg("scale"),
        nb::arg("bias"), nb::arg("border").none(), nb::arg("lanes") = 0);
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
