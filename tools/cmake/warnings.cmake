add_compile_options(-Wall -Wextra $<IF:$<CXX_COMPILER_ID:GNU>,-Wshadow=local,-Wshadow> -Wnon-virtual-dtor -Woverloaded-virtual -Werror
                    # Designated initialisers leave out what keeps its default: that is their point.
                    -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of GCC 12 in inlined standard library code at -O2.
  add_compile_options(-Wno-error=maybe-uninitialized -Wno-error=restrict
                      -Wno-error=stringop-overflow -Wno-error=array-bounds
                      -Wno-error=dangling-pointer)
  # A screenful each: not even shown where the optimiser or a sanitizer runs.
  add_compile_options($<$<OR:$<CONFIG:Release>,$<BOOL:${TOCSIN_SANITIZE}>>:-Wno-maybe-uninitialized>)
endif()
