#include "retarget/retarget_map.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "face/face.h"
#include "util/json.h"
#include "retarget/rig_names.h"
#include "retarget/settings_file.h"

namespace koemorph {

// Reads a map file and brings its targets into an order in which each can be computed.
class RetargetMapReader {
 public:
  explicit RetargetMapReader(RetargetMap* out) : map_(*out) {}

  Status read(std::string_view text) {
    Json file;
    if (Status status = parse_json(text, &file); !status.ok()) return status;
    if (Status status = check_settings_file(file, "retarget", {"targets"}, &map_.name_);
        !status.ok())
      return status;
    const Json* targets = file.find("targets");
    if (targets == nullptr || targets->kind != Json::Kind::kObject || targets->members.empty()) {
      return wrong(file, "A retarget map needs an object of \"targets\"");
    }
    if (targets->members.size() > RetargetMap::kMaximumTargets) {
      return wrong(*targets, "A retarget map may have at most " +
                                 std::to_string(RetargetMap::kMaximumTargets) + " targets");
    }
    for (size_t i = 0; i < targets->members.size(); ++i) {
      indices_.emplace(targets->members[i].first, static_cast<int>(i));
    }
    for (const auto& [name, json] : targets->members) {
      if (Status status = read_target(name, json); !status.ok()) return status;
    }
    return sort();
  }

 private:
  using Target = RetargetMap::Target;

  Status read_target(const std::string& name, const Json& json) {
    Target& target = read_.emplace_back();
    places_.push_back(&json);
    target.name = name;
    if (json.kind == Json::Kind::kString) return add_term(json, json.text, 1.0f);
    const std::string what = "Target \"" + name + "\"";
    if (json.kind != Json::Kind::kObject) {
      return wrong(json, what + " should be a blendshape's name or an object");
    }
    for (const auto& [key, value] : json.members) {
      Status status;
      if (key == "from") {
        status = read_terms(what, value);
      } else if (key == "curve") {
        status = read_curve(what, value, &target.curve);
      } else if (key == "offset") {
        status = read_number(value, what + "'s offset", -kLimit, kLimit, &target.offset);
      } else if (key == "minimum") {
        status = read_number(value, what + "'s minimum", -kLimit, kLimit, &target.minimum);
      } else if (key == "maximum") {
        status = read_number(value, what + "'s maximum", -kLimit, kLimit, &target.maximum);
      } else {
        status = wrong(value, what + " has \"" + key +
                                  "\", but only from, offset, curve, minimum and maximum exist");
      }
      if (!status.ok()) return status;
    }
    if (target.minimum > target.maximum) {
      return wrong(json, what + "'s minimum is greater than its maximum");
    }
    return {};
  }

  Status read_terms(const std::string& what, const Json& json) {
    if (json.kind != Json::Kind::kObject) {
      return wrong(json, what + "'s \"from\" should be an object of names and gains");
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

  Status add_term(const Json& place, const std::string& source, float gain) {
    Target& target = read_.back();
    int index = blendshape_index(source);
    if (!source.empty() && source[0] == '@') {
      const auto other = indices_.find(source.substr(1));
      if (other != indices_.end()) index = kBlendshapeCount + other->second;
    }
    if (index < 0) {
      return wrong(place,
                   "Target \"" + target.name + "\" uses \"" + source +
                       "\", which is neither one of the 52 blendshapes nor, with @, a target "
                       "of this map");
    }
    target.terms.push_back({index, gain});
    return {};
  }

  Status read_curve(const std::string& what, const Json& json, std::vector<RetargetMap::Point>* out) {
    for (const Json& point : json.items) {
      RetargetMap::Point read{};
      if (point.items.size() != 2) break;
      Status status = read_number(point.items[0], what + "'s curve", -kLimit, kLimit, &read.in);
      if (status.ok())
        status = read_number(point.items[1], what + "'s curve", -kLimit, kLimit, &read.out);
      if (!status.ok()) return status;
      if (!out->empty() && read.in <= out->back().in) {
        return wrong(point, what + "'s curve should go from left to right");
      }
      out->push_back(read);
    }
    if (out->size() < 2 || out->size() != json.items.size()) {
      return wrong(json, what + "'s curve should be two or more points [in, out]");
    }
    return {};
  }

  // Depth first over what each target depends on.
  Status sort() {
    place_.assign(read_.size(), kUnvisited);
    for (size_t i = 0; i < read_.size(); ++i) {
      if (Status status = visit(static_cast<int>(i)); !status.ok()) return status;
    }
    for (const Target& target : read_) {
      map_.outputs_.push_back({target.name, place_[indices_.at(target.name)]});
    }
    return {};
  }

  Status visit(int index) {
    if (place_[index] >= 0) return {};
    Target target = read_[index];
    path_.push_back(target.name);
    if (place_[index] == kUnderWay) return cycle(*places_[index]);
    place_[index] = kUnderWay;
    for (RetargetMap::Term& term : target.terms) {
      if (term.source < kBlendshapeCount) continue;
      const int other = term.source - kBlendshapeCount;
      if (Status status = visit(other); !status.ok()) return status;
      term.source = kBlendshapeCount + place_[other];
    }
    place_[index] = static_cast<int>(map_.targets_.size());
    map_.targets_.push_back(std::move(target));
    path_.pop_back();
    return {};
  }

  Status cycle(const Json& place) const {
    std::string text = "Targets depend on themselves: ";
    const auto first = std::find(path_.begin(), path_.end(), path_.back());
    for (auto name = first; name != path_.end(); ++name) {
      text += (name == first ? "\"" : " needs \"") + *name + "\"";
    }
    return wrong(place, text);
  }

  static constexpr float kLimit = 1000.0f;
  static constexpr int kUnvisited = -1;
  static constexpr int kUnderWay = -2;

  RetargetMap& map_;
  std::vector<Target> read_;
  std::vector<const Json*> places_;  // where each stands in the file
  std::unordered_map<std::string, int> indices_;
  std::vector<int> place_;  // where each stands in map_.targets_
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
  std::vector<bool> taken(targets_.size());
  for (const Output& output : outputs_) {
    if (output.target >= 0) taken[output.target] = true;
  }
  std::vector<std::string> names;
  for (size_t i = 0; i < targets_.size(); ++i) {
    if (!taken[i]) names.push_back(targets_[i].name);
  }
  return names;
}

float RetargetMap::follow(const std::vector<Point>& curve, float value) {
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
    const float value = follow(target.curve, sum);
    // Written so that NaN becomes the minimum.
    *next++ = value > target.minimum ? std::min(value, target.maximum) : target.minimum;
  }
  for (int i = 0; i < std::min(count, size()); ++i) {
    const int target = outputs_[i].target;
    weights[i] = target < 0 ? 0.0f : values[kBlendshapeCount + target];
  }
}

}  // namespace koemorph
