foreach(label quick full long concurrency)
  add_custom_target(tests_${label})  # builds the tests of a label
endforeach()

# tocsin_test(folder.subject LABELS quick [concurrency] DEPS folders... LINK libraries...)
#
# tests/<folder>/<subject>_test.cc as one executable and one ctest entry. Tests see the source root,
# so they may include private headers of what they test. LABELS: one of quick, full, long; add
# concurrency for what TSan should run.
function(tocsin_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LABELS;DEPS;LINK" ${ARGN})
  string(REPLACE "." "/" path ${name})
  string(REPLACE "." "_" target ${name})
  list(TRANSFORM ARG_DEPS REPLACE "/" "_")
  list(TRANSFORM ARG_DEPS PREPEND tocsin_)
  add_executable(${target}_test ${CMAKE_SOURCE_DIR}/tests/${path}_test.cc)
  target_include_directories(${target}_test PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${target}_test PRIVATE ${ARG_DEPS} tocsin_tests_support ${ARG_LINK}
                        GTest::gtest_main)
  # A quarter of the time to compile, for nothing that a test measures. What is measured is in bench/.
  if(TOCSIN_SANITIZE)
    target_compile_options(${target}_test PRIVATE -O0)
  elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target}_test PRIVATE -O1)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_test(NAME ${name} COMMAND ${target}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/tests)
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
  foreach(label IN LISTS ARG_LABELS)
    add_dependencies(tests_${label} ${target}_test)
  endforeach()
endfunction()
