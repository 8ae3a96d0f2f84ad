// Head pose: a rigid face model laid over seen points by damped, robust Gauss-Newton (Levenberg 1944, Marquardt 1963).
// What is minimised and why is said in measure/head_pose.py, which hands over every constant.
#pragma once

#include <vector>

namespace watchkeeper {

struct PoseLimits {
  double cauchy_mm;      // spread beyond which a point loses its say
  double converged_rad;  // a step this small ends the search
  double nearest_mm, farthest_mm;
  double worst_fit_mm;
  double facing_most;  // of the model's z axis along the camera's: a face that is seen shows its front
};

// Points that turn away lose their say on a head turned by from..to degrees.
struct TurnedLimits {
  double from_deg, to_deg;
  double edge, plain;  // cosines between a point's outward direction and the way to the camera
  double hidden_say;
  double inside_mm[3];  // about the middle of the head
};

// Head to camera: X_camera = rotation X_head + translation. rotation: rows one after the other.
struct Pose {
  double rotation[9];
  double translation_mm[3];
};

class HeadPoseSolver {
 public:
  // model_mm, outward: three numbers a point, weights: one; as many points as weights.
  HeadPoseSolver(std::vector<double> model_mm, std::vector<double> outward, std::vector<double> weights,
                 const PoseLimits& limits, const TurnedLimits& turned);

  std::size_t points() const { return weights_.size(); }

  // From `pose` on, `steps` at most. seen: x and y of each point on the plane z = 1. Returns whether a face lies so;
  // `pose` and `residual_mm` (weighted root mean square misfit) are the result then, and unusable otherwise.
  bool refine(const double* seen, int steps, Pose& pose, double& residual_mm);

 private:
  struct Point {
    double turned[3], placed[3], over_z, ratio[2], miss[2];
  };

  void misfit(const Pose& pose, const double* seen, std::vector<Point>& points) const;
  void weigh(const Pose& start);
  double cost(const std::vector<Point>& points, double depth, std::vector<double>& robust) const;
  bool step(const std::vector<Point>& points, double depth, double damping, double* found) const;

  std::vector<double> model_, outward_, weights_;
  PoseLimits limits_;
  TurnedLimits turned_;
  std::vector<double> say_, robust_, trial_robust_;
  std::vector<Point> now_, trial_;
};

}  // namespace watchkeeper
