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
    target_include_directories(tocsin_${name} PUBLIC ${exported} PRIVATE ${own})
    target_link_libraries(tocsin_${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_LINK} Threads::Threads)
  else()
    add_library(tocsin_${name} INTERFACE)
    target_include_directories(tocsin_${name} INTERFACE ${exported})
    target_link_libraries(tocsin_${name} INTERFACE ${ARG_DEPS} ${ARG_LINK} Threads::Threads)
  endif()
endfunction()
