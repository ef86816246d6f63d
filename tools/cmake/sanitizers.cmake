# TOCSIN_SANITIZE: "", "address" (with undefined), "thread" or "fuzzer" (clang; with address).
set(TOCSIN_SANITIZE "" CACHE STRING "Sanitizer of this build")
if(TOCSIN_SANITIZE STREQUAL "address")
  # Without the checks of every pointer's use: they double the time to compile, and what they find
  # AddressSanitizer mostly finds, too.
  set(flags -fsanitize=address,undefined -fno-sanitize=vptr,null,alignment,object-size,pointer-overflow
      -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(TOCSIN_SANITIZE STREQUAL "thread")
  # Asio fences memory with atomic_thread_fence, which TSan does not model; GCC warns of each use.
  set(flags -fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
elseif(TOCSIN_SANITIZE STREQUAL "fuzzer")
  set(flags -fsanitize=address,fuzzer-no-link -fno-omit-frame-pointer -fsized-deallocation)
endif()
if(flags)
  add_compile_options(${flags} -O1)
  add_link_options(${flags})
endif()
