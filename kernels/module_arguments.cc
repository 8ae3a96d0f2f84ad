// See module_arguments.h.
#include "module_arguments.h"

#include <cmath>
#include <limits>

namespace watchkeeper {
namespace {

constexpr double kMaxCoefficient = 1e6;

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

void take_taps(Job& job, const TapsArray& taps) {
  for (int i = 0; i < 4; ++i) {
    if (taps[i] < 1 || taps[i] > kMaxTaps) {
      fail("taps: expected 1.." + std::to_string(kMaxTaps) + ", got " + std::to_string(taps[i]));
    }
  }
  job.taps = {taps[0], taps[1]};
  job.chroma_taps = {taps[2], taps[3]};
  job.level = taps[4], job.pair_x = taps[5], job.pair_y = taps[6];
  if (job.level < 0 || job.level > kMaxLevel) {
    fail("taps: level " + std::to_string(job.level) + ", expected 0.." + std::to_string(kMaxLevel));
  }
  for (int axis = 0; axis < 2; ++axis) {
    if (taps[5 + axis] < 0 || taps[5 + axis] > 1) fail("taps: a pair is 0 or 1, got " + std::to_string(taps[5 + axis]));
    if (taps[5 + axis] == 1 && taps[2 + axis] != 1) fail("taps: a pair shares one chroma point");
  }
  if (is_separable(job) && (job.level > 0 || job.pair_x == 1 || job.pair_y == 1)) {
    fail("taps: an axis-aligned reduction takes neither level nor pairs");
  }
}

}  // namespace

void fail(const std::string& what) { throw nb::value_error(what.c_str()); }

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
    take_taps(own, taps[r]);
    take_out(regions.targets[r], outs[r], own);
  }
  regions.count = count;
}

}  // namespace watchkeeper
