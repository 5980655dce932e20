# Not run yet: needs Homebrew. sha256 is the one of the release's source archive.
class Koemorph < Formula
  desc "Speech audio to ARKit 52 blend shape weights in real time"
  homepage "https://github.com/atsuki-ichikawa/KoeMorph"
  url "https://github.com/atsuki-ichikawa/KoeMorph/archive/refs/tags/v0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "MIT"

  depends_on "cmake" => :build

  def install
    system "cmake", "-S", ".", "-B", "build", *std_cmake_args
    system "cmake", "--build", "build"
    system "cmake", "--install", "build"
  end

  test do
    (testpath/"test.c").write <<~C
      #include <koemorph.h>
      #include <string.h>
      int main(void) { return strcmp(koemorph_version(), "#{version}"); }
    C
    system ENV.cc, "test.c", "-I#{include}", "-L#{lib}", "-lkoemorph", "-o", "test"
    system "./test"
  end
end
