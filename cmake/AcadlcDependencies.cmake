# Third-party packages. All of them come in as imported targets, whose include folders CMake treats
# as SYSTEM, so that our warnings stay about our code.

find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_package(fmt CONFIG REQUIRED)

# Plain "19" does not match: LLVM's version file wants the minor version too.
find_package(LLVM 19.1 CONFIG REQUIRED HINTS /usr/lib/llvm-19)
# Static Support alone: linking libLLVM would cost 10 ms at every start of the compiler.
add_library(acadlc_llvm INTERFACE)
target_include_directories(acadlc_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
target_link_libraries(acadlc_llvm INTERFACE LLVMSupport)
# Debian's LLVMSupport names libz3 too; nothing of ours uses it, and loading it would cost start time.
target_link_options(acadlc_llvm INTERFACE LINKER:--as-needed)
# What LLVM_DEFINITIONS would add; without it LLVM's headers miss macros of <cinttypes>.
target_compile_definitions(acadlc_llvm INTERFACE __STDC_CONSTANT_MACROS __STDC_FORMAT_MACROS
                                                 __STDC_LIMIT_MACROS)

# Only the runtime's package: Debian's antlr4-generator package starts a jar that cannot run alone,
# while the `antlr4` script sets the class path.
find_package(antlr4-runtime CONFIG REQUIRED)
find_program(ACADLC_ANTLR4 antlr4 REQUIRED)

find_package(CLI11 CONFIG REQUIRED)
if(ACADLC_BUILD_TESTS)
  find_package(doctest CONFIG REQUIRED)
endif()
