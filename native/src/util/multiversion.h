// Functions compiled several times, of which the loader takes the one that suits the processor.
#pragma once

// GCC's loader-time dispatch needs ifunc, which only ELF with glibc has.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__) && \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define KOEMORPH_ALSO_FOR(...) __attribute__((target_clones(__VA_ARGS__, "default")))
#else
#define KOEMORPH_ALSO_FOR(...)
#endif

// AVX2 alone brings no fused multiply-add: such functions give the same numbers on every x86-64.
#define KOEMORPH_MULTIVERSION KOEMORPH_ALSO_FOR("avx2")
