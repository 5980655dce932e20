// Reading and validation of the metadata of a model file.
#include <cmath>
#include <locale>
#include <sstream>

#include "model/model.h"

namespace koemorph {
namespace {

constexpr int kFormatVersion = 3;

// Reads values of the metadata and keeps the first failure.
class MetadataReader {
 public:
  explicit MetadataReader(const std::map<std::string, std::string>& metadata)
      : metadata_(metadata) {}

  std::string text(const char* key) {
    const auto entry = metadata_.find(key);
    if (entry != metadata_.end()) return entry->second;
    fail("Metadata key \"" + std::string(key) +
         "\" is missing. Export the model with koemorph export, which writes all keys.");
    return "";
  }

  double number(const char* key, double minimum, double maximum) {
    return parse(key, text(key), minimum, maximum);
  }

  int integer(const char* key, int minimum, int maximum) {
    const double value = number(key, minimum, maximum);
    if (status_.ok() && value != std::floor(value)) {
      fail("Metadata key \"" + std::string(key) + "\" must be an integer.");
    }
    return static_cast<int>(value);
  }

  int power_of_two(const char* key) {
    const int value = integer(key, 64, 8192);
    if (status_.ok() && (value & (value - 1)) != 0) {
      fail("Metadata key \"" + std::string(key) + "\" must be a power of two.");
    }
    return value;
  }

  std::vector<double> numbers(const char* key, double minimum, double maximum) {
    std::vector<double> values;
    for (const std::string& item : split(text(key))) {
      values.push_back(parse(key, item, minimum, maximum));
    }
    return values;
  }

  static std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> items;
    size_t start = 0;
    for (size_t comma; (comma = text.find(',', start)) != std::string::npos; start = comma + 1) {
      items.push_back(text.substr(start, comma - start));
    }
    items.push_back(text.substr(start));
    return items;
  }

  void fail(const std::string& message) {
    if (status_.ok()) status_ = Status(KOEMORPH_INVALID_MODEL, message);
  }

  const Status& status() const { return status_; }

 private:
  double parse(const char* key, const std::string& value, double minimum, double maximum) {
    // Not strtod: it depends on the locale of the game.
    std::istringstream stream(value);
    stream.imbue(std::locale::classic());
    double number = 0.0;
    stream >> number;
    if (stream.fail() || !stream.eof() || !(number >= minimum && number <= maximum)) {
      fail("Metadata key \"" + std::string(key) + "\" out of range: got \"" + value +
           "\", expected a number from " + short_number(minimum) + " to " + short_number(maximum) +
           ".");
      return minimum;
    }
    return number;
  }

  const std::map<std::string, std::string>& metadata_;
  Status status_;
};

void read_mel(MetadataReader* reader, MelConfig* mel) {
  mel->clock.sample_rate = reader->integer("sample_rate", 8000, 192000);
  mel->clock.fps = reader->integer("fps", 1, 240);
  mel->clock.lookahead_frames = reader->integer("lookahead_frames", 0, 32);
  mel->bands = reader->integer("mel_bands", 1, 512);
  mel->low_hz = reader->number("mel_low_hz", 0.0, 96000.0);
  mel->high_hz = reader->number("mel_high_hz", 1.0, 96000.0);
  mel->window = reader->power_of_two("mel_window");
  mel->floor = static_cast<float>(reader->number("mel_floor", 1e-30, 1.0));
  mel->offset = static_cast<float>(reader->number("mel_offset", -100.0, 100.0));
  mel->scale = static_cast<float>(reader->number("mel_scale", 1e-3, 100.0));
  mel->detail_frames = reader->integer("detail_frames", 1, 64);
  mel->detail_window = reader->power_of_two("detail_window");
  mel->detail_hop = reader->integer("detail_hop", 1, 8192);
  if (mel->low_hz >= mel->high_hz) {
    reader->fail("Metadata key \"mel_low_hz\" must be below \"mel_high_hz\".");
  }
}

// Context and state of the network. The limits keep damaged files from causing huge allocations.
void read_context(MetadataReader* reader, ModelSettings* settings) {
  const int context = reader->integer("context_frames", 1, 8192);
  settings->context_pool_frames = reader->integer("context_pool_frames", 1, 8192);
  if (context < 2 * settings->context_pool_frames || context % settings->context_pool_frames != 0) {
    reader->fail(
        "Metadata key \"context_frames\" must be a multiple of \"context_pool_frames\", two or "
        "more.");
    return;
  }
  settings->context_pool_blocks = context / settings->context_pool_frames - 1;
  settings->trunk_channels = reader->integer("trunk_channels", 1, 1024);
  settings->trunk_dilations.clear();
  for (const double dilation : reader->numbers("trunk_dilations", 1.0, 256.0)) {
    settings->trunk_dilations.push_back(static_cast<int>(dilation));
    if (dilation != std::floor(dilation) || settings->trunk_dilations.size() > 16) {
      reader->fail("Metadata key \"trunk_dilations\" must be at most 16 integers.");
    }
  }
}

void check_blendshapes(MetadataReader* reader) {
  const std::vector<std::string> names = MetadataReader::split(reader->text("blendshapes"));
  bool equal = names.size() == kBlendshapeCount;
  for (int i = 0; equal && i < kBlendshapeCount; ++i) equal = names[i] == kBlendshapeNames[i];
  if (!equal) {
    reader->fail(
        "Metadata key \"blendshapes\" must be the 52 ARKit names in the order of Live Link Face.");
  }
}

void read_expression(MetadataReader* reader, ModelSettings* settings) {
  const std::string features = reader->text("expression_features");
  settings->use_egemaps = features == "native";
  if (reader->status().ok() && features != "native" && features != "none") {
    reader->fail("Unsupported expression_features: got \"" + features +
                 "\", which only training can compute, expected \"native\" or \"none\".");
  }
  if (!settings->use_egemaps) return;
  settings->expression_embedding_size = reader->integer("expression_embedding_size", 1, 1024);
  EgemapsConfig* egemaps = &settings->egemaps;
  egemaps->sample_rate = settings->mel.clock.sample_rate;
  egemaps->context_window = reader->number("context_window", 0.1, 120.0);
  egemaps->update_interval = reader->number("update_interval", 0.01, 10.0);
  egemaps->window_intervals = reader->numbers("window_intervals", 0.0, 60.0);
  if (reader->text("egemaps_set") != "eGeMAPSv02") {
    reader->fail("Metadata key \"egemaps_set\" must be eGeMAPSv02.");
  }
  const Status checked = EgemapsStream::check(*egemaps);
  if (!checked.ok()) reader->fail(checked.message);
}

}  // namespace

Status parse_settings(const std::map<std::string, std::string>& metadata, ModelSettings* out) {
  MetadataReader reader(metadata);
  const int version = reader.integer("format_version", 1, 1000);
  if (reader.status().ok() && version != kFormatVersion) {
    reader.fail("Unsupported format_version: got " + std::to_string(version) +
                ", this version of KoeMorph expects " + std::to_string(kFormatVersion) +
                (version < kFormatVersion
                     ? ". Export the model again from its checkpoint, with koemorph "
                       "export."
                     : ". Update KoeMorph."));
  }
  read_mel(&reader, &out->mel);
  read_context(&reader, out);
  check_blendshapes(&reader);
  read_expression(&reader, out);
  return reader.status();
}

}  // namespace koemorph
