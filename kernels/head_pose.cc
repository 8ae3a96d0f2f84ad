#include "head_pose.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace watchkeeper {
namespace {

constexpr double kDegrees = 180.0 / 3.14159265358979323846;

double clamp(double value, double low, double high) { return std::min(std::max(value, low), high); }

void turn(const double* rotation, const double* v, double* out) {
  for (int row = 0; row < 3; ++row)
    out[row] = rotation[3 * row] * v[0] + rotation[3 * row + 1] * v[1] + rotation[3 * row + 2] * v[2];
}

// (3, 3) rotation by |w| radians about w, from the left (Rodrigues 1840).
void turned_by(const double* w, const double* rotation, double* out) {
  const double angle = std::sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]);
  double by[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  if (angle >= 1e-12) {
    const double x = w[0] / angle, y = w[1] / angle, z = w[2] / angle;
    const double s = std::sin(angle), c = std::cos(angle), d = 1.0 - c;
    const double full[9] = {c + x * x * d,     x * y * d - z * s, x * z * d + y * s,
                            y * x * d + z * s, c + y * y * d,     y * z * d - x * s,
                            z * x * d - y * s, z * y * d + x * s, c + z * z * d};
    std::copy(full, full + 9, by);
  }
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column)
      out[3 * row + column] = by[3 * row] * rotation[column] + by[3 * row + 1] * rotation[3 + column] +
                              by[3 * row + 2] * rotation[6 + column];
}

// Solves a x = b for a symmetric, positive definite a by Cholesky's factors; false where it is neither.
bool solve(double (&a)[6][6], const double* b, double* x) {
  for (int row = 0; row < 6; ++row) {
    for (int column = 0; column <= row; ++column) {
      double sum = a[row][column];
      for (int k = 0; k < column; ++k) sum -= a[row][k] * a[column][k];
      if (row != column) {
        a[row][column] = sum / a[column][column];
      } else if (sum > 0.0 && std::isfinite(sum)) {
        a[row][row] = std::sqrt(sum);
      } else {
        return false;
      }
    }
  }
  for (int row = 0; row < 6; ++row) {
    double sum = b[row];
    for (int k = 0; k < row; ++k) sum -= a[row][k] * x[k];
    x[row] = sum / a[row][row];
  }
  for (int row = 5; row >= 0; --row) {
    double sum = x[row];
    for (int k = row + 1; k < 6; ++k) sum -= a[k][row] * x[k];
    x[row] = sum / a[row][row];
  }
  return true;
}

}  // namespace

HeadPoseSolver::HeadPoseSolver(std::vector<double> model_mm, std::vector<double> outward, std::vector<double> weights,
                               const PoseLimits& limits, const TurnedLimits& turned)
    : model_(std::move(model_mm)),
      outward_(std::move(outward)),
      weights_(std::move(weights)),
      limits_(limits),
      turned_(turned),
      say_(weights_),
      robust_(weights_),
      trial_robust_(weights_),
      now_(weights_.size()),
      trial_(weights_.size()) {}

void HeadPoseSolver::misfit(const Pose& pose, const double* seen, std::vector<Point>& points) const {
  for (std::size_t i = 0; i < points.size(); ++i) {
    Point& p = points[i];
    turn(pose.rotation, &model_[3 * i], p.turned);
    for (int k = 0; k < 3; ++k) p.placed[k] = p.turned[k] + pose.translation_mm[k];
    p.over_z = 1.0 / p.placed[2];
    for (int k = 0; k < 2; ++k) {
      p.ratio[k] = p.placed[k] * p.over_z;
      p.miss[k] = p.ratio[k] - seen[2 * i + k];
    }
  }
}

// Weight of each point for a head that lies so: what a turned face hides is where the network guesses it to be.
void HeadPoseSolver::weigh(const Pose& start) {
  double centre[3];
  turn(start.rotation, turned_.inside_mm, centre);
  for (int k = 0; k < 3; ++k) centre[k] += start.translation_mm[k];
  const double length = std::sqrt(centre[0] * centre[0] + centre[1] * centre[1] + centre[2] * centre[2]);
  double along = 0.0;
  for (int k = 0; k < 3; ++k) along -= centre[k] / length * start.rotation[3 * k + 2];
  const double turn_deg = kDegrees * std::acos(clamp(along, -1.0, 1.0));
  const double share = clamp((turn_deg - turned_.from_deg) / (turned_.to_deg - turned_.from_deg), 0.0, 1.0);
  say_ = weights_;
  if (share == 0.0) return;
  for (std::size_t i = 0; i < say_.size(); ++i) {
    double out[3], facing = 0.0;
    turn(start.rotation, &outward_[3 * i], out);
    for (int k = 0; k < 3; ++k) facing -= out[k] * centre[k] / length;
    const double shown = clamp((facing - turned_.edge) / (turned_.plain - turned_.edge), turned_.hidden_say, 1.0);
    say_[i] *= 1.0 - share + share * shown;
  }
}

// Robust cost in mm^2, and each point's weight under it.
double HeadPoseSolver::cost(const std::vector<Point>& points, double depth, std::vector<double>& robust) const {
  const double scale = depth / limits_.cauchy_mm;
  double sum = 0.0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double* miss = points[i].miss;
    const double square = (miss[0] * miss[0] + miss[1] * miss[1]) * scale * scale;
    sum += say_[i] * std::log1p(square);
    robust[i] = say_[i] / (1.0 + square);
  }
  return sum * limits_.cauchy_mm * limits_.cauchy_mm;
}

// One damped step: a small rotation from the left, then a shift in units of `depth` (comparable to radians).
bool HeadPoseSolver::step(const std::vector<Point>& points, double depth, double damping, double* found) const {
  double normal[6][6] = {}, gradient[6] = {};
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& p = points[i];
    const double x = p.ratio[0], y = p.ratio[1], far = p.over_z * depth;
    const double tx = p.turned[0] * p.over_z, ty = p.turned[1] * p.over_z, tz = p.turned[2] * p.over_z;
    // d placed / d w = -[turned]_x, d placed / d t = 1
    const double rows[2][6] = {{-x * ty, tz + x * tx, -ty, far, 0.0, -x * far},
                               {-tz - y * ty, y * tx, tx, 0.0, far, -y * far}};
    for (int k = 0; k < 2; ++k) {
      for (int a = 0; a < 6; ++a) {
        const double weighted = robust_[i] * rows[k][a];
        gradient[a] -= weighted * p.miss[k];
        for (int b = 0; b <= a; ++b) normal[a][b] += weighted * rows[k][b];
      }
    }
  }
  for (int a = 0; a < 6; ++a) normal[a][a] *= 1.0 + damping;
  return solve(normal, gradient, found);
}

bool HeadPoseSolver::refine(const double* seen, int steps, Pose& pose, double& residual_mm) {
  const double depth = pose.translation_mm[2];
  misfit(pose, seen, now_);
  weigh(pose);  // of where it starts: a cost that changed under way would never settle
  double least = cost(now_, depth, robust_);
  double damping = 1e-4;
  for (int count = 0; count < steps; ++count) {
    double found[6];
    if (!step(now_, depth, damping, found)) return false;
    Pose next;
    turned_by(found, pose.rotation, next.rotation);
    for (int k = 0; k < 3; ++k) next.translation_mm[k] = pose.translation_mm[k] + found[3 + k] * depth;
    double largest = 0.0;
    for (double each : found) {
      if (!std::isfinite(each)) return false;
      largest = std::max(largest, std::fabs(each));
    }
    if (next.translation_mm[2] < limits_.nearest_mm / 3) return false;
    misfit(next, seen, trial_);
    const double trial = cost(trial_, depth, trial_robust_);
    if (trial > least) {
      damping = std::max(damping, 1e-3) * 10.0;
      if (damping > 1e3) break;
      continue;
    }
    pose = next;
    std::swap(now_, trial_);
    std::swap(robust_, trial_robust_);
    least = trial;
    damping *= 0.1;
    if (largest < limits_.converged_rad) break;
  }
  double total = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < now_.size(); ++i) {
    const double* miss = now_[i].miss;
    total += robust_[i];
    squares += robust_[i] * (miss[0] * miss[0] + miss[1] * miss[1]);
  }
  const double z = pose.translation_mm[2];
  residual_mm = std::sqrt(squares / std::max(total, 1e-9)) * z;
  // Written so that what is not a number is no face either.
  return pose.rotation[8] <= limits_.facing_most && residual_mm <= limits_.worst_fit_mm && limits_.nearest_mm < z &&
         z < limits_.farthest_mm;
}

}  // namespace watchkeeper
