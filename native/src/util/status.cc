#include "util/status.h"

#include <locale>
#include <sstream>

namespace koemorph {

std::string short_number(double value) {
  std::ostringstream stream;
  stream.imbue(std::locale::classic());
  stream << value;
  return stream.str();
}

}  // namespace koemorph
