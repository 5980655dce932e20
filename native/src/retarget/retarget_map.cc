#include "retarget/retarget_map.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "face/face.h"
#include "retarget/rig_names.h"
#include "retarget/settings_file.h"
#include "util/json.h"

namespace koemorph {

// Reads a map file and sorts its targets by their dependencies.
class RetargetMapReader {
 public:
  explicit RetargetMapReader(RetargetMap* out) : map_(*out) {}

  Status read(std::string_view text) {
    Json file;
    if (Status status = parse_json(text, &file); !status.ok()) return status;
    if (Status status =
            check_settings_file(file, "retarget", {"targets", "sum_limits"}, &map_.name_);
        !status.ok())
      return status;
    const Json* targets = file.find("targets");
    if (targets == nullptr || targets->kind != Json::Kind::kObject || targets->members.empty()) {
      return json_error(file, "A retarget map needs a non-empty object \"targets\"");
    }
    if (targets->members.size() > RetargetMap::kMaximumTargets) {
      return json_error(*targets, "Too many targets: expected at most " +
                                      std::to_string(RetargetMap::kMaximumTargets));
    }
    for (size_t i = 0; i < targets->members.size(); ++i) {
      indices_.emplace(targets->members[i].first, static_cast<int>(i));
    }
    for (const auto& [name, json] : targets->members) {
      if (Status status = read_target(name, json); !status.ok()) return status;
    }
    if (Status status = sort(); !status.ok()) return status;
    const Json* limits = file.find("sum_limits");
    return limits == nullptr ? Status{} : read_sum_limits(*limits);
  }

 private:
  using Target = RetargetMap::Target;

  Status read_target(const std::string& name, const Json& json) {
    Target& target = read_.emplace_back();
    positions_.push_back(&json);
    target.name = name;
    if (json.kind == Json::Kind::kString) return add_term(json, json.text, 1.0f);
    const std::string what = "Target \"" + name + "\"";
    if (json.kind != Json::Kind::kObject) {
      return json_error(json, what + " should be the name of a blend shape or an object");
    }
    for (const auto& [key, value] : json.members) {
      Status status;
      if (key == "from") {
        status = read_terms(what, value);
      } else if (key == "times") {
        status = read_factors(what, value);
      } else if (key == "curve") {
        status = read_curve(what, value, &target.curve);
      } else if (key == "offset") {
        status = read_number(value, what + "'s offset", -kLimit, kLimit, &target.offset);
      } else if (key == "minimum") {
        status = read_number(value, what + "'s minimum", -kLimit, kLimit, &target.minimum);
      } else if (key == "maximum") {
        status = read_number(value, what + "'s maximum", -kLimit, kLimit, &target.maximum);
      } else {
        status =
            json_error(value, what + " has an unknown member \"" + key +
                                  "\"; expected from, times, offset, curve, minimum or maximum");
      }
      if (!status.ok()) return status;
    }
    if (target.minimum > target.maximum) {
      return json_error(json, what + "'s minimum is greater than its maximum");
    }
    return {};
  }

  Status read_terms(const std::string& what, const Json& json) {
    if (json.kind != Json::Kind::kObject) {
      return json_error(json, what + "'s \"from\" should be an object of names and gains");
    }
    for (const auto& [source, value] : json.members) {
      float gain = 0.0f;
      const std::string which = what + "'s gain of \"" + source + "\"";
      Status status = read_number(value, which, -kLimit, kLimit, &gain);
      if (status.ok()) status = add_term(value, source, gain);
      if (!status.ok()) return status;
    }
    return {};
  }

  Status read_factors(const std::string& what, const Json& json) {
    for (const Json& factor : json.items) {
      if (factor.kind != Json::Kind::kString) break;
      int source = -1;
      if (Status status = find_source(factor, factor.text, &source); !status.ok()) return status;
      read_.back().factors.push_back(source);
    }
    if (read_.back().factors.empty() || read_.back().factors.size() != json.items.size()) {
      return json_error(json, what + "'s \"times\" should be an array of names");
    }
    return {};
  }

  Status add_term(const Json& json, const std::string& source, float gain) {
    int index = -1;
    if (Status status = find_source(json, source, &index); !status.ok()) return status;
    read_.back().terms.push_back({index, gain});
    return {};
  }

  Status find_source(const Json& json, const std::string& source, int* out) const {
    int index = blendshape_index(source);
    if (!source.empty() && source[0] == '@') {
      const auto found = indices_.find(source.substr(1));
      if (found != indices_.end()) index = kBlendshapeCount + found->second;
    }
    if (index < 0) {
      return json_error(json, "Unknown source \"" + source + "\" of target \"" + read_.back().name +
                                  "\": expected one of the 52 blend shapes, or @ and a target of "
                                  "this map");
    }
    *out = index;
    return {};
  }

  Status read_sum_limits(const Json& json) {
    std::vector<bool> limited(map_.targets_.size());
    for (const Json& entry : json.items) {
      RetargetMap::SumLimit& limit = map_.sum_limits_.emplace_back();
      for (const auto& [key, value] : entry.members) {
        Status status;
        if (key == "targets") {
          status = read_limited(value, &limited, &limit.targets);
        } else if (key == "limit") {
          status = read_number(value, "A sum limit", 0.0f, kLimit, &limit.limit);
        } else {
          status = json_error(value, "A sum limit has an unknown member \"" + key +
                                         "\"; expected targets or limit");
        }
        if (!status.ok()) return status;
      }
      if (limit.targets.empty()) {
        return json_error(entry, "A sum limit needs an array \"targets\" of names");
      }
    }
    if (map_.sum_limits_.empty()) {
      return json_error(json, "\"sum_limits\" should be an array of objects");
    }
    return {};
  }

  Status read_limited(const Json& json, std::vector<bool>* limited, std::vector<int>* out) const {
    for (const Json& name : json.items) {
      const auto found = indices_.find(name.text);
      if (name.kind != Json::Kind::kString || found == indices_.end()) {
        return json_error(name, "A sum limit has an unknown target \"" + name.text + "\"");
      }
      const int index = order_[found->second];
      if ((*limited)[index]) {
        return json_error(name, "Target \"" + name.text + "\" is in two sum limits");
      }
      (*limited)[index] = true;
      out->push_back(index);
    }
    return {};
  }

  Status read_curve(const std::string& what, const Json& json,
                    std::vector<RetargetMap::Point>* out) {
    for (const Json& point : json.items) {
      RetargetMap::Point read{};
      if (point.items.size() != 2) break;
      Status status = read_number(point.items[0], what + "'s curve", -kLimit, kLimit, &read.in);
      if (status.ok())
        status = read_number(point.items[1], what + "'s curve", -kLimit, kLimit, &read.out);
      if (!status.ok()) return status;
      if (!out->empty() && read.in <= out->back().in) {
        return json_error(point, what + "'s curve should have increasing inputs");
      }
      out->push_back(read);
    }
    if (out->size() < 2 || out->size() != json.items.size()) {
      return json_error(json, what + "'s curve should have two or more points [in, out]");
    }
    return {};
  }

  // Topological sort, depth first.
  Status sort() {
    order_.assign(read_.size(), kUnvisited);
    for (size_t i = 0; i < read_.size(); ++i) {
      if (Status status = visit(static_cast<int>(i)); !status.ok()) return status;
    }
    for (const Target& target : read_) {
      map_.outputs_.push_back({target.name, order_[indices_.at(target.name)]});
    }
    return {};
  }

  Status visit(int index) {
    if (order_[index] >= 0) return {};
    Target target = read_[index];
    path_.push_back(target.name);
    if (order_[index] == kVisiting) return cycle(*positions_[index]);
    order_[index] = kVisiting;
    for (RetargetMap::Term& term : target.terms) {
      if (Status status = visit_source(&term.source); !status.ok()) return status;
    }
    for (int& factor : target.factors) {
      if (Status status = visit_source(&factor); !status.ok()) return status;
    }
    order_[index] = static_cast<int>(map_.targets_.size());
    map_.targets_.push_back(std::move(target));
    path_.pop_back();
    return {};
  }

  Status visit_source(int* source) {
    if (*source < kBlendshapeCount) return {};
    const int dependency = *source - kBlendshapeCount;
    if (Status status = visit(dependency); !status.ok()) return status;
    *source = kBlendshapeCount + order_[dependency];
    return {};
  }

  Status cycle(const Json& json) const {
    std::string text = "Circular dependency of targets: ";
    const auto first = std::find(path_.begin(), path_.end(), path_.back());
    for (auto name = first; name != path_.end(); ++name) {
      text += (name == first ? "\"" : ", \"") + *name + "\"";
    }
    return json_error(json, text);
  }

  static constexpr float kLimit = 1000.0f;
  static constexpr int kUnvisited = -1;
  static constexpr int kVisiting = -2;

  RetargetMap& map_;
  std::vector<Target> read_;
  std::vector<const Json*> positions_;  // of each in the file
  std::unordered_map<std::string, int> indices_;
  std::vector<int> order_;  // index of each in map_.targets_
  std::vector<std::string> path_;
};

Status RetargetMap::load(std::string_view json, RetargetMap* out) {
  RetargetMap map;
  Status status = RetargetMapReader(&map).read(json);
  if (status.ok()) *out = std::move(map);
  return status;
}

void RetargetMap::match_rig(const std::vector<std::string>& rig_names) {
  std::vector<std::string> wanted;
  for (const Target& target : targets_) wanted.push_back(target.name);
  const std::vector<int> matches = match_shape_names(wanted, rig_names);
  outputs_.clear();
  for (size_t i = 0; i < rig_names.size(); ++i) outputs_.push_back({rig_names[i], matches[i]});
}

std::vector<std::string> RetargetMap::unmatched_targets() const {
  std::vector<bool> matched(targets_.size());
  for (const Output& output : outputs_) {
    if (output.target >= 0) matched[output.target] = true;
  }
  std::vector<std::string> names;
  for (size_t i = 0; i < targets_.size(); ++i) {
    if (!matched[i]) names.push_back(targets_[i].name);
  }
  return names;
}

float RetargetMap::evaluate(const std::vector<Point>& curve, float value) {
  if (curve.empty()) return value;
  if (!(value > curve.front().in)) return curve.front().out;
  for (size_t i = 1; i < curve.size(); ++i) {
    const Point& left = curve[i - 1];
    const Point& right = curve[i];
    if (value > right.in) continue;
    return left.out + (right.out - left.out) * (value - left.in) / (right.in - left.in);
  }
  return curve.back().out;
}

void RetargetMap::apply(const float* blendshapes, float* weights, int count) const {
  float values[kBlendshapeCount + kMaximumTargets];
  std::copy(blendshapes, blendshapes + kBlendshapeCount, values);
  float* next = values + kBlendshapeCount;
  for (const Target& target : targets_) {
    float sum = target.offset;
    for (const Term& term : target.terms) sum += term.gain * values[term.source];
    for (const int factor : target.factors) sum *= values[factor];
    const float value = evaluate(target.curve, sum);
    // NaN becomes the minimum.
    *next++ = value > target.minimum ? std::min(value, target.maximum) : target.minimum;
  }
  for (const SumLimit& limit : sum_limits_) {
    float sum = 0.0f;
    for (const int target : limit.targets) sum += std::max(values[kBlendshapeCount + target], 0.0f);
    if (sum <= limit.limit) continue;
    const float scale = limit.limit / sum;
    for (const int target : limit.targets) values[kBlendshapeCount + target] *= scale;
  }
  for (int i = 0; i < std::min(count, size()); ++i) {
    const int target = outputs_[i].target;
    weights[i] = target < 0 ? 0.0f : values[kBlendshapeCount + target];
  }
}

}  // namespace koemorph
