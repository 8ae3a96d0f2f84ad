// Python bindings of the geometry behind the networks: watchkeeper._geometry.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "head_pose.h"

namespace nb = nanobind;
using watchkeeper::HeadPoseSolver;
using watchkeeper::Pose;

namespace {

using Rotation = nb::ndarray<double, nb::shape<3, 3>, nb::c_contig, nb::device::cpu>;
using Translation = nb::ndarray<double, nb::shape<3>, nb::c_contig, nb::device::cpu>;
using ConstRotation = nb::ndarray<const double, nb::shape<3, 3>, nb::c_contig, nb::device::cpu>;
using ConstTranslation = nb::ndarray<const double, nb::shape<3>, nb::c_contig, nb::device::cpu>;
using Seen = nb::ndarray<const double, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;
using Triples = nb::ndarray<const double, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Numbers = nb::ndarray<const double, nb::shape<-1>, nb::c_contig, nb::device::cpu>;
using Landmarks = nb::ndarray<float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using ConstLandmarks = nb::ndarray<const float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Counts = nb::ndarray<const std::uint32_t, nb::shape<256>, nb::c_contig, nb::device::cpu>;

std::vector<double> values(const double* data, std::size_t count) { return {data, data + count}; }

void make_solver(HeadPoseSolver* self, const Triples& model, const Triples& outward, const Numbers& weights,
                 double cauchy_mm, double converged_rad, double nearest_mm, double farthest_mm, double worst_fit_mm,
                 double facing_most, std::array<double, 2> turned_deg, std::array<double, 2> facing, double hidden_say,
                 const ConstTranslation& inside_mm) {
  const std::size_t points = weights.shape(0);
  if (model.shape(0) != points || outward.shape(0) != points)
    throw nb::value_error("model_mm, outward and weights: expected as many points in each");
  watchkeeper::TurnedLimits turned{turned_deg[0], turned_deg[1], facing[0], facing[1], hidden_say, {}};
  std::copy(inside_mm.data(), inside_mm.data() + 3, turned.inside_mm);
  new (self) HeadPoseSolver(values(model.data(), 3 * points), values(outward.data(), 3 * points),
                            values(weights.data(), points),
                            {cauchy_mm, converged_rad, nearest_mm, farthest_mm, worst_fit_mm, facing_most}, turned);
}

nb::object refine(HeadPoseSolver& self, const ConstRotation& rotation, const ConstTranslation& translation,
                  const Seen& seen, int steps, const Rotation& new_rotation, const Translation& new_translation) {
  if (seen.shape(0) != self.points()) {
    const std::string text = "seen: expected " + std::to_string(self.points()) + " points";
    throw nb::value_error(text.c_str());
  }
  Pose pose;
  std::copy(rotation.data(), rotation.data() + 9, pose.rotation);
  std::copy(translation.data(), translation.data() + 3, pose.translation_mm);
  double residual_mm = 0.0;
  if (!self.refine(seen.data(), steps, pose, residual_mm)) return nb::none();
  std::copy(pose.rotation, pose.rotation + 9, new_rotation.data());
  std::copy(pose.translation_mm, pose.translation_mm + 3, new_translation.data());
  return nb::float_(residual_mm);
}

// In single precision and in this order, so that the numpy reference gives the same bits.
void place_landmarks(const ConstLandmarks& raw, float middle, float cosine, float sine, float scale, float cx, float cy,
                     const Landmarks& out) {
  if (raw.shape(0) != out.shape(0)) throw nb::value_error("out: expected as many landmarks as raw has");
  const float* from = raw.data();
  float* to = out.data();
  for (std::size_t i = 0; i < raw.shape(0); ++i, from += 3, to += 3) {
    const float x = from[0] - middle, y = from[1] - middle, z = from[2];
    to[0] = cosine * x - sine * y + cx;
    to[1] = sine * x + cosine * y + cy;
    to[2] = z * scale;
  }
}

nb::object bounds(const ConstLandmarks& points) {
  float low[2] = {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
  float high[2] = {-low[0], -low[1]};
  const float* point = points.data();
  for (std::size_t i = 0; i < points.shape(0); ++i, point += 3) {
    if (!std::isfinite(point[0]) || !std::isfinite(point[1]) || !std::isfinite(point[2])) return nb::none();
    for (int k = 0; k < 2; ++k) {
      low[k] = std::min(low[k], point[k]);
      high[k] = std::max(high[k], point[k]);
    }
  }
  if (points.shape(0) == 0) return nb::none();
  return nb::make_tuple(low[0], low[1], high[0], high[1]);
}

nb::object grey_levels(const Counts& histogram, const std::vector<double>& shares) {
  std::array<double, 256> below;
  std::uint64_t sum = 0;
  for (std::size_t level = 0; level < below.size(); ++level) {
    sum += histogram.data()[level];
    below[level] = static_cast<double>(sum);
  }
  if (sum == 0) return nb::none();
  nb::list found;
  for (double share : shares) {
    const auto at = std::lower_bound(below.begin(), below.end(), share * static_cast<double>(sum));
    found.append(static_cast<double>(at - below.begin()));
  }
  return std::move(found);
}

}  // namespace

NB_MODULE(_geometry, m) {
  nb::class_<HeadPoseSolver>(m, "HeadPoseSolver")
      .def("__init__", &make_solver, nb::arg("model_mm"), nb::arg("outward"), nb::arg("weights"), nb::kw_only(),
           nb::arg("cauchy_mm"), nb::arg("converged_rad"), nb::arg("nearest_mm"), nb::arg("farthest_mm"),
           nb::arg("worst_fit_mm"), nb::arg("facing_most"), nb::arg("turned_deg"), nb::arg("facing"),
           nb::arg("hidden_say"), nb::arg("inside_mm"))
      .def("refine", &refine, nb::arg("rotation"), nb::arg("translation_mm"), nb::arg("seen"), nb::arg("steps"),
           nb::arg("new_rotation").noconvert(), nb::arg("new_translation_mm").noconvert());
  m.def("place_landmarks", &place_landmarks, nb::arg("raw"), nb::arg("middle"), nb::arg("cosine"), nb::arg("sine"),
        nb::arg("scale"), nb::arg("cx"), nb::arg("cy"), nb::arg("out").noconvert());
  m.def("bounds", &bounds, nb::arg("points"));
  m.def("grey_levels", &grey_levels, nb::arg("histogram"), nb::arg("shares"));
}
