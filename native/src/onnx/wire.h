// Reads the protocol buffer wire format from untrusted memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace koemorph::onnx {

// Thrown while a model file is read and planned; Graph::load converts it to a Status.
struct InvalidModel {
  std::string message;
};

[[noreturn]] inline void invalid(std::string message) { throw InvalidModel{std::move(message)}; }

struct Bytes {
  const uint8_t* data = nullptr;
  size_t size = 0;
};

inline std::string to_string(Bytes bytes) {
  return bytes.size == 0 ? std::string()
                         : std::string(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

// One protobuf message: call next() for each field, then the reader that fits its wire type. A
// field that is not read is skipped. Throws InvalidModel for data that end early or do not fit.
class WireReader {
 public:
  enum Kind { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

  explicit WireReader(Bytes bytes) : at_(bytes.data), end_(bytes.data + bytes.size) {}

  // Moves to the next field; false at the end of the message.
  bool next() {
    if (pending_) skip();
    if (at_ == end_) return false;
    const uint64_t tag = varint();
    field_ = static_cast<uint32_t>(tag >> 3);
    kind_ = static_cast<int>(tag & 7);
    if (field_ == 0 || tag >> 35 != 0) fail();
    pending_ = true;
    return true;
  }

  uint32_t field() const { return field_; }
  int kind() const { return kind_; }

  int64_t integer() {
    expect(kVarint);
    return static_cast<int64_t>(varint());
  }

  float real() {
    expect(kFixed32);
    float value = 0.0f;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }

  Bytes bytes() {
    expect(kLength);
    const uint64_t size = varint();
    return {take(size), static_cast<size_t>(size)};
  }

  std::string text() { return to_string(bytes()); }

  // Calls visit(int64_t) for each value of a repeated integer field, packed or not.
  template <typename Visit>
  void integers(const Visit& visit) {
    if (kind_ != kLength) return visit(integer());
    WireReader packed(bytes());
    while (packed.at_ != packed.end_) visit(static_cast<int64_t>(packed.varint()));
  }

  // Calls visit(float) for each value of a repeated float field, packed or not.
  template <typename Visit>
  void reals(const Visit& visit) {
    if (kind_ != kLength) return visit(real());
    WireReader packed(bytes());
    while (packed.at_ != packed.end_) {
      float value = 0.0f;
      std::memcpy(&value, packed.take(sizeof value), sizeof value);
      visit(value);
    }
  }

 private:
  [[noreturn]] static void fail() {
    invalid("the file ends early or is damaged, a complete protocol buffer was expected");
  }

  void expect(int kind) {
    if (kind_ != kind) {
      invalid("field " + std::to_string(field_) + " has wire type " + std::to_string(kind_) + ", " +
              std::to_string(kind) + " was expected");
    }
    pending_ = false;
  }

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = *take(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail();
  }

  const uint8_t* take(uint64_t size) {
    if (size > static_cast<uint64_t>(end_ - at_)) fail();
    const uint8_t* start = at_;
    at_ += size;
    return start;
  }

  void skip() {
    switch (kind_) {
      case kVarint:
        integer();
        break;
      case kFixed64:
        take(8);
        break;
      case kLength:
        bytes();
        break;
      case kFixed32:
        take(4);
        break;
      default:
        fail();
    }
    pending_ = false;
  }

  const uint8_t* at_;
  const uint8_t* end_;
  uint32_t field_ = 0;
  int kind_ = 0;
  bool pending_ = false;
};

}  // namespace koemorph::onnx
