"""Conan 2 recipe of the native library.

conan create packaging/conan --build=missing    # from a clone
"""

from __future__ import annotations

import re
from pathlib import Path

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class Koemorph(ConanFile):
    name = "koemorph"
    description = "Speech audio to ARKit 52 blend shape weights in real time"
    license = "MIT"
    url = "https://github.com/atsuki-ichikawa/KoeMorph"
    homepage = url
    topics = ("lip-sync", "arkit", "blendshapes", "facial-animation")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False]}  # noqa: RUF012
    default_options = {"shared": False, "fPIC": True}  # noqa: RUF012

    def set_version(self) -> None:
        root = Path(self.recipe_folder).parents[1]
        text = (root / "CMakeLists.txt").read_text("utf-8")
        found = re.search(r"project\(koemorph VERSION ([\d.]+)", text)
        self.version = found[1] if found else None

    def export_sources(self) -> None:
        root = Path(self.recipe_folder).parents[1]
        data = (f"python/koemorph/{name}/*" for name in ("models", "maps", "presets"))
        for pattern in ("CMakeLists.txt", "LICENSE", "native/*", *data):
            copy(self, pattern, str(root), self.export_sources_folder)

    def config_options(self) -> None:
        if self.settings.os == "Windows":
            del self.options.fPIC

    def layout(self) -> None:
        cmake_layout(self)

    def generate(self) -> None:
        CMakeToolchain(self).generate()
        CMakeDeps(self).generate()

    def build(self) -> None:
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self) -> None:
        copy(self, "LICENSE", self.source_folder, str(Path(self.package_folder) / "licenses"))
        CMake(self).install()

    def package_info(self) -> None:
        shared = bool(self.options.shared)
        self.cpp_info.libs = ["koemorph" if shared else "koemorph_static"]
        self.cpp_info.set_property("cmake_target_name", "koemorph::koemorph")
        if not shared:
            self.cpp_info.defines = ["KOEMORPH_STATIC"]
            if self.settings.os in ("Linux", "FreeBSD"):
                self.cpp_info.system_libs = ["pthread", "dl", "m"]
