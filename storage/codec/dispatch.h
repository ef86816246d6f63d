// Marks a function whose loops are worth compiling for newer processors too; the choice is made
// once at program start. Off in sanitizer builds: they instrument the resolver, which runs before
// their runtime is up.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TOCSIN_CPU_CLONES __attribute__((target_clones("default", "arch=haswell")))
#else
#define TOCSIN_CPU_CLONES
#endif
