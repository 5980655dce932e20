#include "util/json.h"

#include <cmath>
#include <cstdint>
#include <unordered_set>

namespace koemorph {
namespace {

constexpr size_t kMaximumBytes = size_t{1} << 20;
constexpr int kMaximumDepth = 16;

bool is_digit(int c) { return c >= '0' && c <= '9'; }

int hex_value(int c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(uint32_t code, std::string* out) {
  const auto append = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    append(code);
  } else if (code < 0x800) {
    append(0xC0 | (code >> 6));
    append(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    append(0xE0 | (code >> 12));
    append(0x80 | ((code >> 6) & 0x3F));
    append(0x80 | (code & 0x3F));
  } else {
    append(0xF0 | (code >> 18));
    append(0x80 | ((code >> 12) & 0x3F));
    append(0x80 | ((code >> 6) & 0x3F));
    append(0x80 | (code & 0x3F));
  }
}

// Bytes of the valid UTF-8 sequence at the front of `text`, 0 when there is none (RFC 3629).
size_t utf8_length(std::string_view text) {
  const auto byte = [text](size_t i) -> uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const uint32_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  uint32_t code = first & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    code = (code << 6) | (byte(i) & 0x3F);
  }
  const uint32_t smallest = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < smallest || code > 0x10FFFF || surrogate ? 0 : length;
}

// One pass over the text. After an error every read_... function returns false.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  Status read(Json* out) {
    if (text_.size() > kMaximumBytes) {
      return {KOEMORPH_INVALID_ARGUMENT, "JSON text too long: expected at most 1 MiB."};
    }
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
      text_.remove_prefix(kByteOrderMark.size());
    }
    Json value;
    skip_space();
    if (read_value(0, &value)) {
      skip_space();
      if (at_ == text_.size()) {
        *out = std::move(value);
        return {};
      }
      fail("unexpected text after the value");
    }
    return {KOEMORPH_INVALID_ARGUMENT, error_};
  }

 private:
  int peek() const { return at_ < text_.size() ? static_cast<unsigned char>(text_[at_]) : -1; }
  int column() const { return static_cast<int>(at_ - line_start_) + 1; }

  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  bool fail(const std::string& what) {
    error_ = "Invalid JSON at line " + std::to_string(line_) + ", column " +
             std::to_string(column()) + ": " + what + ".";
    return false;
  }

  void skip_space() {
    for (int c = peek(); c == ' ' || c == '\t' || c == '\r' || c == '\n'; c = peek()) {
      ++at_;
      if (c != '\n') continue;
      ++line_;
      line_start_ = at_;
    }
  }

  bool read_value(int depth, Json* out) {
    if (depth > kMaximumDepth) return fail("values are nested too deeply");
    out->line = line_;
    out->column = column();
    const int c = peek();
    if (c == '{') return read_object(depth, out);
    if (c == '[') return read_array(depth, out);
    if (c == '"') {
      out->kind = Json::Kind::kString;
      return read_string(&out->text);
    }
    if (c == '-' || is_digit(c)) return read_number(out);
    return read_word(out);
  }

  bool read_word(Json* out) {
    const auto is_next = [this](std::string_view word) {
      if (text_.substr(at_, word.size()) != word) return false;
      at_ += word.size();
      return true;
    };
    if (is_next("null")) return true;
    if (is_next("true")) {
      out->kind = Json::Kind::kBoolean;
      out->boolean = true;
      return true;
    }
    if (is_next("false")) {
      out->kind = Json::Kind::kBoolean;
      return true;
    }
    if (is_next("NaN") || is_next("Infinity")) return fail("NaN and Infinity are not JSON numbers");
    return fail(peek() < 0 ? "unexpected end of text, expected a value" : "expected a value");
  }

  bool read_object(int depth, Json* out) {
    out->kind = Json::Kind::kObject;
    ++at_;
    skip_space();
    if (take('}')) return true;
    // A linear search per name would be quadratic in the number of members.
    std::unordered_set<std::string> names;
    while (true) {
      std::string name;
      if (peek() != '"') return fail("expected a name in double quotes");
      if (!read_string(&name)) return false;
      if (!names.insert(name).second) return fail("duplicate name \"" + name + "\"");
      skip_space();
      if (!take(':')) return fail("expected a colon after \"" + name + "\"");
      skip_space();
      Json value;
      if (!read_value(depth + 1, &value)) return false;
      out->members.emplace_back(std::move(name), std::move(value));
      skip_space();
      if (take('}')) return true;
      if (!take(',')) return fail("expected a comma or }");
      skip_space();
    }
  }

  bool read_array(int depth, Json* out) {
    out->kind = Json::Kind::kArray;
    ++at_;
    skip_space();
    if (take(']')) return true;
    while (true) {
      if (!read_value(depth + 1, &out->items.emplace_back())) return false;
      skip_space();
      if (take(']')) return true;
      if (!take(',')) return fail("expected a comma or ]");
      skip_space();
    }
  }

  bool read_string(std::string* out) {
    ++at_;
    while (true) {
      const int c = peek();
      if (c < 0) return fail("unexpected end of text inside a string");
      if (c < 0x20) return fail("unescaped control character in a string");
      if (take('"')) return true;
      if (c == '\\') {
        if (!read_escape(out)) return false;
        continue;
      }
      const size_t length = utf8_length(text_.substr(at_));
      if (length == 0) return fail("invalid UTF-8");
      out->append(text_, at_, length);
      at_ += length;
    }
  }

  bool read_escape(std::string* out) {
    ++at_;
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kCharacters = "\"\\/\b\f\n\r\t";
    const int c = peek();
    if (c == 'u') return read_unicode_escape(out);
    const size_t which = c < 0 ? std::string_view::npos : kLetters.find(static_cast<char>(c));
    if (which == std::string_view::npos) return fail("invalid escape");
    out->push_back(kCharacters[which]);
    ++at_;
    return true;
  }

  bool read_four_digits(uint32_t* out) {
    ++at_;  // the u
    *out = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const int digit = hex_value(peek());
      if (digit < 0) return fail("expected four hexadecimal digits after \\u");
      *out = *out * 16 + static_cast<uint32_t>(digit);
    }
    return true;
  }

  bool read_unicode_escape(std::string* out) {
    uint32_t code = 0;
    if (!read_four_digits(&code)) return false;
    if (code >= 0xD800 && code <= 0xDFFF) {
      uint32_t low = 0;
      if (code >= 0xDC00 || !take('\\') || peek() != 'u') return fail("incomplete surrogate pair");
      if (!read_four_digits(&low)) return false;
      if (low < 0xDC00 || low > 0xDFFF) return fail("incomplete surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(code, out);
    return true;
  }

  // Collects the first 19 digits, which fit into 64 bits, and a power of ten for the others.
  void read_digits(uint64_t* digits, int* exponent, int step) {
    constexpr uint64_t kLimit = 1000000000000000000u;
    for (; is_digit(peek()); ++at_) {
      if (*digits < kLimit) {
        *digits = *digits * 10 + static_cast<uint64_t>(peek() - '0');
        *exponent += step;
      } else {
        *exponent += step + 1;
      }
    }
  }

  bool read_exponent(int* exponent) {
    if (!take('e') && !take('E')) return true;
    const bool negative = take('-');
    if (!negative) take('+');
    if (!is_digit(peek())) return fail("expected a digit in the exponent");
    int value = 0;
    for (; is_digit(peek()); ++at_) {
      if (value < 100000) value = value * 10 + (peek() - '0');
    }
    *exponent += negative ? -value : value;
    return true;
  }

  bool read_number(Json* out) {
    const bool negative = take('-');
    uint64_t digits = 0;
    int exponent = 0;
    if (!is_digit(peek())) return fail("expected a digit");
    if (take('0')) {
      if (is_digit(peek())) return fail("number with a leading 0");
    } else {
      read_digits(&digits, &exponent, 0);
    }
    if (take('.')) {
      if (!is_digit(peek())) return fail("expected a digit after the decimal point");
      read_digits(&digits, &exponent, -1);
    }
    if (!read_exponent(&exponent)) return false;
    // In two steps, because 10^exponent can overflow or underflow although the product does not. In
    // long double, which on most platforms avoids intermediate rounding.
    const int half = exponent / 2;
    long double product = static_cast<long double>(digits);
    if (digits != 0) product = product * std::pow(10.0L, half) * std::pow(10.0L, exponent - half);
    const auto value = static_cast<double>(product);
    if (!std::isfinite(value)) return fail("number too large");
    out->kind = Json::Kind::kNumber;
    out->number = negative ? -value : value;
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  int line_ = 1;
  std::string error_;
};

}  // namespace

const Json* Json::find(std::string_view name) const {
  for (const auto& [key, value] : members) {
    if (key == name) return &value;
  }
  return nullptr;
}

const char* describe(Json::Kind kind) {
  switch (kind) {
    case Json::Kind::kNull:
      return "null";
    case Json::Kind::kBoolean:
      return "true or false";
    case Json::Kind::kNumber:
      return "a number";
    case Json::Kind::kString:
      return "a string";
    case Json::Kind::kArray:
      return "an array";
    case Json::Kind::kObject:
      return "an object";
  }
  return "a value";
}

std::string position_of(const Json& value) {
  return "line " + std::to_string(value.line) + ", column " + std::to_string(value.column);
}

Status parse_json(std::string_view text, Json* out) { return JsonReader(text).read(out); }

}  // namespace koemorph
