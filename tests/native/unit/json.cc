#include "util/json.h"

#include "unit.h"

using koemorph::Json;

namespace {

bool fails_at(const char* text, int line, int column) {
  Json value;
  const koemorph::Status status = koemorph::parse_json(text, &value);
  const std::string position =
      "line " + std::to_string(line) + ", column " + std::to_string(column);
  return status.result == KOEMORPH_INVALID_ARGUMENT &&
         status.message.find(position) != std::string::npos;
}

}  // namespace

KOEMORPH_TESTS(json) {
  Json value;
  EXPECT(koemorph::parse_json(R"( {"a": [1, -2.5e1, true, null], "b": "\u3042\n"} )", &value).ok());
  EXPECT(value.find("a")->items.size() == 4);
  EXPECT(value.find("a")->items[1].number == -25.0);
  EXPECT(value.find("a")->items[2].boolean);
  EXPECT(value.find("a")->items[3].kind == Json::Kind::kNull);
  EXPECT(value.find("b")->text == "\xE3\x81\x82\n");
  EXPECT(value.find("c") == nullptr);
  EXPECT(value.find("b")->line == 1);
  EXPECT(koemorph::parse_json("\xEF\xBB\xBF[]", &value).ok());  // byte order mark
  EXPECT(fails_at("", 1, 1));
  EXPECT(fails_at("[1,]", 1, 4));
  EXPECT(fails_at("{\"a\": 1,\n \"a\": 2}", 2, 5));
  EXPECT(fails_at("[NaN]", 1, 5));
  EXPECT(fails_at("01", 1, 2));
  EXPECT(fails_at("1 1", 1, 3));
  EXPECT(fails_at("\"\xFF\"", 1, 2));
}
