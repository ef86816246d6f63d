# Several sources compiled as one: reading headers is most of a compilation, and CI makes three
# builds. The release build of tools/dev does so, too (half the time, a tenth off the binary); a
# plain cmake build does not, so that every file is also compiled alone while it is worked on.
option(TOCSIN_UNITY "Compile sources in groups" OFF)
function(tocsin_unity target)
  if(NOT TOCSIN_UNITY AND NOT TOCSIN_SANITIZE)
    return()
  endif()
  find_program(TOCSIN_PYTHON python3 REQUIRED)
  # What may share a group changes with the sources.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
               ${CMAKE_SOURCE_DIR}/tools/cmake/unity.py ${ARGN})
  execute_process(COMMAND ${TOCSIN_PYTHON} ${CMAKE_SOURCE_DIR}/tools/cmake/unity.py 10 ${ARGN}
                  WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
                  OUTPUT_VARIABLE groups OUTPUT_STRIP_TRAILING_WHITESPACE
                  COMMAND_ERROR_IS_FATAL ANY)
  if(groups STREQUAL "")
    return()
  endif()
  string(REPLACE ";" "|" groups "${groups}")
  string(REPLACE "\n" ";" groups "${groups}")
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  set(n 0)
  foreach(group IN LISTS groups)
    string(REPLACE "|" ";" files "${group}")
    set_source_files_properties(${files} PROPERTIES UNITY_GROUP group${n})
    math(EXPR n "${n} + 1")
  endforeach()
  # A type of an unnamed namespace inside a named one is fine as long as the file is a source.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# tocsin_library(folder PUBLIC headers... SOURCES files... DEPS folders... LINK libraries...)
#
# One static library per folder. It sees the PUBLIC headers of its DEPS (and of theirs), all headers
# of its own folder, and nothing else of the project: including a folder that is not listed, or
# another folder's private header, is "file not found". Sub-folders belong to the library unless
# they are libraries of their own (storage/base, ...).
function(tocsin_library folder)
  cmake_parse_arguments(ARG "" "" "PUBLIC;SOURCES;DEPS;LINK" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  set(exported ${CMAKE_BINARY_DIR}/include/public/${name})
  set(own ${CMAKE_BINARY_DIR}/include/own/${name})
  file(REMOVE_RECURSE ${exported})
  foreach(header IN LISTS ARG_PUBLIC)
    cmake_path(GET header PARENT_PATH sub)
    file(MAKE_DIRECTORY ${exported}/${folder}/${sub})
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder}/${header} ${exported}/${folder}/${header} SYMBOLIC)
  endforeach()
  cmake_path(GET folder PARENT_PATH parent)
  file(MAKE_DIRECTORY ${own}/${parent})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${own}/${folder} SYMBOLIC)

  list(TRANSFORM ARG_DEPS REPLACE "/" "_")
  list(TRANSFORM ARG_DEPS PREPEND tocsin_)
  if(ARG_SOURCES)
    add_library(tocsin_${name} STATIC ${ARG_SOURCES})
    tocsin_unity(tocsin_${name} ${ARG_SOURCES})
    target_include_directories(tocsin_${name} PUBLIC ${exported} PRIVATE ${own})
    target_link_libraries(tocsin_${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_LINK} Threads::Threads)
  else()
    add_library(tocsin_${name} INTERFACE)
    target_include_directories(tocsin_${name} INTERFACE ${exported})
    target_link_libraries(tocsin_${name} INTERFACE ${ARG_DEPS} ${ARG_LINK} Threads::Threads)
  endif()
endfunction()
