#include "onnx/file.h"

#include <algorithm>

namespace koemorph::onnx {
namespace {

struct Budget {
  int nodes = 0;
};

GraphDef parse_graph(Bytes data, int depth, Budget* budget);

Type checked_type(int64_t type, const std::string& name) {
  for (const Type known : {Type::kFloat, Type::kUint8, Type::kInt8, Type::kInt32, Type::kInt64,
                           Type::kBool, Type::kFloat16}) {
    if (type == static_cast<int64_t>(known)) return known;
  }
  invalid("tensor \"" + name + "\" has data type " + std::to_string(type) +
          ", float, float16, int8, uint8, int32, int64 or bool was expected");
}

size_t type_size(Type type) {
  switch (type) {
    case Type::kFloat:
    case Type::kInt32:
      return 4;
    case Type::kInt64:
      return 8;
    case Type::kFloat16:
      return 2;
    default:
      return 1;
  }
}

void check_rank(size_t rank, const std::string& name) {
  if (rank > kMaxRank) {
    invalid("tensor \"" + name + "\" has " + std::to_string(rank) + " dimensions, at most " +
            std::to_string(kMaxRank) + " were expected");
  }
}

// The product of the extents is bounded before a caller multiplies them.
void check_tensor(const Tensor& tensor) {
  check_rank(tensor.dims.size(), tensor.name);
  int64_t count = 1;
  for (const int64_t extent : tensor.dims) {
    if (extent < 0 || extent > kMaxElements ||
        (count *= std::max<int64_t>(extent, 1)) > kMaxElements) {
      invalid("tensor \"" + tensor.name + "\" has an extent of " + std::to_string(extent) +
              ", at most " + std::to_string(kMaxElements) + " elements were expected");
    }
  }
  const auto expected = static_cast<size_t>(tensor.count());
  const bool real = tensor.type == Type::kFloat;
  const size_t found = tensor.has_raw ? tensor.raw.size / type_size(tensor.type)
                                      : (real ? tensor.reals.size() : tensor.integers.size());
  if (found != expected ||
      (tensor.has_raw && tensor.raw.size != expected * type_size(tensor.type))) {
    invalid("tensor \"" + tensor.name + "\" has data for " + std::to_string(found) +
            " elements, its shape has " + std::to_string(expected));
  }
}

Tensor parse_tensor(Bytes data) {
  Tensor tensor;
  int64_t type = 0;
  bool external = false;
  for (WireReader reader(data); reader.next();) {
    switch (reader.field()) {
      case 1:
        reader.integers([&](int64_t extent) { tensor.dims.push_back(extent); });
        break;
      case 2:
        type = reader.integer();
        break;
      case 4:
        reader.reals([&](float value) { tensor.reals.push_back(value); });
        break;
      case 5:
      case 7:
        reader.integers([&](int64_t value) { tensor.integers.push_back(value); });
        break;
      case 8:
        tensor.name = reader.text();
        break;
      case 9:
        tensor.raw = reader.bytes();
        tensor.has_raw = true;
        break;
      case 13:
        external = true;
        break;
      case 14:
        external = external || reader.integer() != 0;
        break;
      default:
        break;
    }
  }
  if (external) {
    invalid("tensor \"" + tensor.name +
            "\" is stored in another file, data inside the model file "
            "were expected");
  }
  tensor.type = checked_type(type, tensor.name);
  check_tensor(tensor);
  return tensor;
}

Attribute parse_attribute(Bytes data, int depth, Budget* budget) {
  Attribute attribute;
  for (WireReader reader(data); reader.next();) {
    switch (reader.field()) {
      case 1:
        attribute.name = reader.text();
        break;
      case 2:
        attribute.real = reader.real();
        break;
      case 3:
        attribute.integer = reader.integer();
        break;
      case 4:
        attribute.text = reader.text();
        break;
      case 5:
        attribute.tensors.assign(1, parse_tensor(reader.bytes()));
        break;
      case 6:
        attribute.graphs.assign(1, parse_graph(reader.bytes(), depth + 1, budget));
        break;
      case 7:
        reader.reals([&](float value) { attribute.reals.push_back(value); });
        break;
      case 8:
        reader.integers([&](int64_t value) { attribute.integers.push_back(value); });
        break;
      default:
        break;
    }
  }
  return attribute;
}

Node parse_node(Bytes data, int depth, Budget* budget) {
  Node node;
  std::string domain;
  for (WireReader reader(data); reader.next();) {
    switch (reader.field()) {
      case 1:
        node.inputs.push_back(reader.text());
        break;
      case 2:
        node.outputs.push_back(reader.text());
        break;
      case 3:
        node.name = reader.text();
        break;
      case 4:
        node.op = reader.text();
        break;
      case 5:
        node.attributes.push_back(parse_attribute(reader.bytes(), depth, budget));
        break;
      case 7:
        domain = reader.text();
        break;
      default:
        break;
    }
  }
  if (++budget->nodes > kMaxNodes) {
    invalid("the graph has more than " + std::to_string(kMaxNodes) + " nodes");
  }
  // An operator of another domain is no standard operator, whatever its name.
  if (!domain.empty() && domain != "ai.onnx") node.op = domain + "." + node.op;
  return node;
}

int64_t parse_extent(Bytes data) {
  int64_t extent = -1;
  for (WireReader reader(data); reader.next();) {
    if (reader.field() == 1) extent = reader.integer();
  }
  return extent;
}

ValueInfo parse_value_info(Bytes data) {
  ValueInfo info;
  int64_t type = 0;
  for (WireReader reader(data); reader.next();) {
    if (reader.field() == 1) info.name = reader.text();
    if (reader.field() != 2) continue;
    for (WireReader kind(reader.bytes()); kind.next();) {
      if (kind.field() != 1) continue;
      for (WireReader tensor(kind.bytes()); tensor.next();) {
        if (tensor.field() == 1) type = tensor.integer();
        if (tensor.field() != 2) continue;
        info.has_shape = true;
        for (WireReader shape(tensor.bytes()); shape.next();) {
          if (shape.field() == 1) info.dims.push_back(parse_extent(shape.bytes()));
        }
      }
    }
  }
  info.type = checked_type(type, info.name);
  check_rank(info.dims.size(), info.name);
  return info;
}

GraphDef parse_graph(Bytes data, int depth, Budget* budget) {
  if (depth > kMaxDepth) {
    invalid("the graph has more than " + std::to_string(kMaxDepth) + " levels of subgraphs");
  }
  GraphDef graph;
  for (WireReader reader(data); reader.next();) {
    switch (reader.field()) {
      case 1:
        graph.nodes.push_back(parse_node(reader.bytes(), depth, budget));
        break;
      case 5:
        graph.initializers.push_back(parse_tensor(reader.bytes()));
        break;
      case 11:
        graph.inputs.push_back(parse_value_info(reader.bytes()));
        break;
      case 12:
        graph.outputs.push_back(parse_value_info(reader.bytes()));
        break;
      case 15:
        invalid("the graph has sparse initializers, dense ones were expected");
      default:
        break;
    }
  }
  return graph;
}

float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 0x1F;
  uint32_t mantissa = half & 0x3FF;
  uint32_t bits = sign;
  if (exponent == 31) {
    bits |= 0x7F800000u | mantissa << 13;
  } else if (exponent != 0) {
    bits |= (exponent + 112) << 23 | mantissa << 13;
  } else if (mantissa != 0) {
    for (exponent = 113; (mantissa & 0x400) == 0; --exponent) mantissa <<= 1;
    bits |= exponent << 23 | (mantissa & 0x3FF) << 13;
  }
  float value = 0.0f;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <typename From, typename To, typename Convert>
void convert(Bytes raw, std::vector<To>* out, const Convert& converted) {
  out->resize(raw.size / sizeof(From));
  for (size_t i = 0; i < out->size(); ++i) {
    From value;
    std::memcpy(&value, raw.data + i * sizeof(From), sizeof value);
    (*out)[i] = converted(value);
  }
}

}  // namespace

const char* type_name(Type type) {
  switch (type) {
    case Type::kFloat:
      return "float";
    case Type::kUint8:
      return "uint8";
    case Type::kInt8:
      return "int8";
    case Type::kInt32:
      return "int32";
    case Type::kInt64:
      return "int64";
    case Type::kBool:
      return "bool";
    case Type::kFloat16:
      return "float16";
    default:
      return "none";
  }
}

int64_t Tensor::count() const {
  int64_t count = 1;
  for (const int64_t extent : dims) count *= extent;
  return count;
}

std::vector<float> Tensor::to_floats() const {
  std::vector<float> out;
  if (type == Type::kFloat) {
    if (!has_raw) return reals;
    convert<float>(raw, &out, [](float value) { return value; });
  } else if (type == Type::kFloat16) {
    if (has_raw) {
      convert<uint16_t>(raw, &out, half_to_float);
    } else {
      for (const int64_t value : integers)
        out.push_back(half_to_float(static_cast<uint16_t>(value)));
    }
  } else {
    for (const int64_t value : to_integers()) out.push_back(static_cast<float>(value));
  }
  return out;
}

std::vector<int64_t> Tensor::to_integers() const {
  std::vector<int64_t> out;
  const auto widen = [](auto value) { return static_cast<int64_t>(value); };
  if (!has_raw) {
    out = integers;
    // Typed data hold narrow types in wider fields.
    for (int64_t& value : out) {
      if (type == Type::kInt8) value = static_cast<int8_t>(value);
      if (type == Type::kUint8) value = static_cast<uint8_t>(value);
      if (type == Type::kInt32) value = static_cast<int32_t>(value);
    }
  } else if (type == Type::kInt64) {
    convert<int64_t>(raw, &out, widen);
  } else if (type == Type::kInt32) {
    convert<int32_t>(raw, &out, widen);
  } else if (type == Type::kInt8) {
    convert<int8_t>(raw, &out, widen);
  } else {
    convert<uint8_t>(raw, &out, widen);
  }
  return out;
}

const Attribute* Node::find(const char* attribute) const {
  for (const Attribute& each : attributes) {
    if (each.name == attribute) return &each;
  }
  return nullptr;
}

int64_t Node::integer(const char* attribute, int64_t otherwise) const {
  const Attribute* found = find(attribute);
  return found == nullptr ? otherwise : found->integer;
}

float Node::real(const char* attribute, float otherwise) const {
  const Attribute* found = find(attribute);
  return found == nullptr ? otherwise : found->real;
}

std::string Node::describe() const {
  const std::string& label = name.empty() && !outputs.empty() ? outputs[0] : name;
  return op + " node \"" + label.substr(0, 200) + "\"";
}

ModelFile parse_model(Bytes data) {
  ModelFile file;
  Budget budget;
  bool has_graph = false;
  for (WireReader reader(data); reader.next();) {
    if (reader.field() == 7) {
      file.graph = parse_graph(reader.bytes(), 0, &budget);
      has_graph = true;
    } else if (reader.field() == 8) {
      std::string domain;
      int64_t version = 0;
      for (WireReader opset(reader.bytes()); opset.next();) {
        if (opset.field() == 1) domain = opset.text();
        if (opset.field() == 2) version = opset.integer();
      }
      if (domain.empty() || domain == "ai.onnx") file.opset = version;
    } else if (reader.field() == 14) {
      std::string key, value;
      for (WireReader entry(reader.bytes()); entry.next();) {
        if (entry.field() == 1) key = entry.text();
        if (entry.field() == 2) value = entry.text();
      }
      file.metadata[key] = value;
    }
  }
  if (!has_graph) invalid("the file has no graph");
  if (file.opset < 13 || file.opset > 21) {
    invalid("the graph uses operator set " + std::to_string(file.opset) +
            ", 13 to 21 was expected");
  }
  return file;
}

}  // namespace koemorph::onnx
