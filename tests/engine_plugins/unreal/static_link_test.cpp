// A statically linked program, as on iOS. Only the table in Core refers to the functions.
//   static_link_test MODEL
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "Library.h"
#include "Model.h"

int main(int, char** argv) {
  koemorph_plugin::Api api;
  std::string error;
  if (koemorph_plugin::LoadApi({}, &api, &error)) {
    std::ifstream file(argv[1], std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
    if (koemorph_plugin::Model::Load(api, bytes.data(), bytes.size(), &error)) {
      std::puts(api.version());
      return 0;
    }
  }
  std::fprintf(stderr, "%s\n", error.c_str());
  return 1;
}
