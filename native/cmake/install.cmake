# What `cmake --install` puts in place: headers, shared and static library, CMake package, pkg-config,
# and the licence, which must accompany every copy.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set_target_properties(koemorph_core PROPERTIES EXPORT_NAME static OUTPUT_NAME koemorph_static)
install(TARGETS koemorph koemorph_core EXPORT koemorph
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES include/koemorph.h include/koemorph.hpp include/koemorph_debug.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
# Programs find them with koemorph_DATA_DIR (CMake) or `pkg-config --variable=datadir koemorph`.
set(data_folder ${CMAKE_INSTALL_DATADIR}/koemorph)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/python/koemorph/models
                  ${PROJECT_SOURCE_DIR}/python/koemorph/maps
                  ${PROJECT_SOURCE_DIR}/python/koemorph/presets
        DESTINATION ${data_folder}
        FILES_MATCHING PATTERN "*.onnx" PATTERN "*.json" PATTERN "MODEL_CARD.md"
                       PATTERN "__pycache__" EXCLUDE)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/koemorph)
install(EXPORT koemorph NAMESPACE koemorph:: FILE koemorph-targets.cmake DESTINATION ${package_folder})
set(koemorph_cxx_runtime ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(FILTER koemorph_cxx_runtime INCLUDE REGEX "^(stdc\\+\\+|c\\+\\+|m)$")
configure_package_config_file(cmake/koemorph-config.cmake.in koemorph-config.cmake
                              INSTALL_DESTINATION ${package_folder} PATH_VARS data_folder)
write_basic_package_version_file(koemorph-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/koemorph-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/koemorph-config-version.cmake
        DESTINATION ${package_folder})

# Not CMAKE_INSTALL_PREFIX itself: cmake --install --prefix may name another. And not the folders
# below it: packagers put headers and libraries under roots of their own.
set(pkgconfig_folder ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pkgconfig_to_prefix ${pkgconfig_folder} ${CMAKE_INSTALL_PREFIX})
file(RELATIVE_PATH pkgconfig_to_headers ${pkgconfig_folder} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
file(RELATIVE_PATH pkgconfig_to_data ${pkgconfig_folder} ${CMAKE_INSTALL_FULL_DATADIR}/koemorph)
configure_file(cmake/koemorph.pc.in koemorph.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/koemorph.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
