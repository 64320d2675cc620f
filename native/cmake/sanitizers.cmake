# The option JBATCHNORM_SANITIZE and the target jbatchnorm_sanitizers with its flags. HACKING.md shows how to run what is built.
set(JBATCHNORM_SANITIZE "" CACHE STRING
  "Sanitizers to build with: address, undefined, or both with a comma between them; or thread")
set_property(CACHE JBATCHNORM_SANITIZE PROPERTY STRINGS "" address,undefined address undefined thread)

add_library(jbatchnorm_sanitizers INTERFACE)
if(JBATCHNORM_SANITIZE)
  string(REPLACE "," ";" sanitizers "${JBATCHNORM_SANITIZE}")
  foreach(sanitizer IN LISTS sanitizers)
    if(NOT sanitizer MATCHES "^(address|undefined|thread)$")
      message(FATAL_ERROR "JBATCHNORM_SANITIZE: expected address, undefined, address,undefined or thread, got "
        "\"${JBATCHNORM_SANITIZE}\"")
    endif()
  endforeach()
  if("thread" IN_LIST sanitizers AND "address" IN_LIST sanitizers)
    message(FATAL_ERROR "JBATCHNORM_SANITIZE: thread and address exclude each other, got \"${JBATCHNORM_SANITIZE}\"")
  endif()
  if("thread" IN_LIST sanitizers AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "JBATCHNORM_SANITIZE: thread needs clang, whose OpenMP tells the sanitizer about its "
      "barriers; with ${CMAKE_CXX_COMPILER_ID} every parallel region is a false alarm. Install clang, libomp-dev and "
      "libarcher's package and configure with -DCMAKE_CXX_COMPILER=clang++.")
  endif()
  # The first error ends the program, so that a test fails by it. -O1: checks in unrolled loops take the optimizer minutes.
  target_compile_options(jbatchnorm_sanitizers INTERFACE
    -fsanitize=${JBATCHNORM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -O1
    $<$<CXX_COMPILER_ID:Clang>:-Wno-pass-failed>)
  target_link_options(jbatchnorm_sanitizers INTERFACE -fsanitize=${JBATCHNORM_SANITIZE})
endif()
