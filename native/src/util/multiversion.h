// Function multiversioning: the loader selects the version for the processor.
#pragma once

// GCC's loader-time dispatch needs ifunc, which only ELF with glibc has.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__) && \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define KOEMORPH_TARGET_CLONES(...) __attribute__((target_clones(__VA_ARGS__, "default")))
#else
#define KOEMORPH_TARGET_CLONES(...)
#endif

// AVX2 without fused multiply-add: the same numbers on every x86-64.
#define KOEMORPH_MULTIVERSION KOEMORPH_TARGET_CLONES("avx2")
