# acadlc_library(<name> [DEPS <target>...] [PRIVATE_DEPS <target>...] [TEST_DEPS <target>...]
#                [SOURCES <file>...])
#
# Makes the static library acadlc_<name> of the current folder's *.cpp (and SOURCES, for generated
# files). Left out are Main.cpp, which is an executable's, and *Test.cpp, which go into
# acadlc-unit-tests. A folder with headers only becomes an INTERFACE library, so that a library can
# start as a header. DEPS are folders whose headers our headers use; PRIVATE_DEPS are used by our
# sources alone, TEST_DEPS by our tests alone.
#
# The target acadlc_<name>_tests (not part of "all") holds this folder's tests only: quicker to build
# than all of them while one works on a folder.
function(acadlc_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPS;PRIVATE_DEPS;TEST_DEPS;SOURCES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "acadlc_library(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(target acadlc_${name})

  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(Test|/Main)\\.cpp$")
  list(FILTER tests INCLUDE REGEX "Test\\.cpp$")
  list(APPEND sources ${arg_SOURCES})

  if(sources)
    add_library(${target} STATIC ${sources})
    set(public PUBLIC)
    target_link_libraries(${target} PRIVATE ${arg_PRIVATE_DEPS})
    acadlc_own_code(${target})
  else()
    add_library(${target} INTERFACE)
    set(public INTERFACE)
  endif()
  target_include_directories(${target} ${public} ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} ${public} ${arg_DEPS})

  set_property(GLOBAL APPEND PROPERTY ACADLC_LIBRARIES ${target})
  set_property(GLOBAL APPEND PROPERTY ACADLC_UNIT_TESTS ${tests})

  if(ACADLC_BUILD_TESTS AND tests)
    acadlc_test_executable(${target}_tests ${tests})
    set_target_properties(${target}_tests PROPERTIES EXCLUDE_FROM_ALL ON)
    target_link_libraries(${target}_tests PRIVATE ${target} ${arg_TEST_DEPS})
  endif()
endfunction()

# acadlc_test_executable(<target> <file>...): a doctest program; the caller links what is tested.
function(acadlc_test_executable target)
  add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/unit/main.cpp ${ARGN})
  target_link_libraries(${target} PRIVATE doctest::doctest)
  # Where tests find examples and goldens.
  target_compile_definitions(${target} PRIVATE ACADLC_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  acadlc_own_code(${target})
endfunction()

# acadlc_executable(<target> [DEPS <target>...]): the program <target> of this folder's Main.cpp.
function(acadlc_executable target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPS")
  set(main ${CMAKE_CURRENT_SOURCE_DIR}/Main.cpp)
  file(GLOB found CONFIGURE_DEPENDS ${main})
  if(NOT found)
    message(STATUS "${target}: skipped, there is no ${main}")
    return()
  endif()
  add_executable(${target} ${main})
  target_link_libraries(${target} PRIVATE ${arg_DEPS})
  acadlc_own_code(${target})
endfunction()

# Warnings and sanitizers for code of ours, in contrast to generated code.
function(acadlc_own_code target)
  # Paths in messages of internal errors start at the repository, wherever it was built; ccache
  # hands the compiler relative ones if it has a base directory.
  file(RELATIVE_PATH relative ${CMAKE_BINARY_DIR} ${PROJECT_SOURCE_DIR})
  target_compile_options(
    ${target} PRIVATE ${ACADLC_WARNINGS} -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
                      -fmacro-prefix-map=${relative}=)
  if(ACADLC_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  acadlc_sanitize(${target})
endfunction()

function(acadlc_sanitize target)
  if(ACADLC_SANITIZE)
    set(options -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    # No vptr check: it would want the type information of uninstrumented libraries.
    list(APPEND options -fno-sanitize=vptr)
    target_compile_options(${target} PRIVATE ${options})
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
  if(ACADLC_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()
