# Compile and link flags shared by every target, and which kernel files a processor gets.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)

add_library(inkling_flags INTERFACE)
target_compile_options(inkling_flags INTERFACE
  # Fusing a multiply and an add would round differently on each compiler and processor.
  -ffp-contract=off
  -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes
  # Narrowing is worth a visible cast; mixing signed and unsigned of one width is everywhere in index
  # arithmetic, and casting it all away would hide more than it shows.
  -Wconversion -Wno-sign-conversion -Wdouble-promotion)

option(INKLING_RELAXED_SIMD "WebAssembly: kernels in relaxed SIMD too" OFF)
if(NOT INKLING_TARGET STREQUAL "native")
  # Stated because compilers differ in what they turn on by themselves.
  target_compile_options(inkling_flags INTERFACE -msimd128 -mbulk-memory -mnontrapping-fptoint)
  target_link_options(inkling_flags INTERFACE -msimd128 -mbulk-memory -mnontrapping-fptoint)
endif()
if(INKLING_WEB_THREADS)
  target_compile_options(inkling_flags INTERFACE -matomics)
  # Emscripten's own settings for shared memory want its JavaScript. So the memory is asked for from the linker, and
  # the C library is that for one thread, whose objects lack the mark of atomics: only the thread that made the
  # instance may call what has state there (malloc, errno, files). Pool tasks call none of it (src/base/pool.h).
  set(INKLING_WEB_MEMORY -sINITIAL_MEMORY=4MB -Wl,--shared-memory,--import-memory,--no-check-features)
else()
  set(INKLING_WEB_MEMORY -sINITIAL_HEAP=1MB)
endif()
if(NOT INKLING_TARGET STREQUAL "native" AND INKLING_RELAXED_SIMD)
  target_compile_options(inkling_flags INTERFACE -mrelaxed-simd)
  target_link_options(inkling_flags INTERFACE -mrelaxed-simd)
endif()
if(INKLING_TARGET STREQUAL "wasi")
  # The stack lies first, so that overflowing it traps instead of overwriting data.
  target_link_options(inkling_flags INTERFACE -Wl,-z,stack-size=1048576 -Wl,--stack-first -Wl,--strip-debug)
endif()

# A kernel file is named for its instruction set: x86_avx2.c, arm_neon.c, wasm_simd128.c; scalar.c and
# select.c have no such prefix and are built everywhere.
set(INKLING_KERNEL_FLAGS_x86_avx2 -mavx2 -mf16c)
set(INKLING_KERNEL_FLAGS_x86_avxvnni -mavx2 -mf16c -mavxvnni)
set(INKLING_KERNEL_FLAGS_x86_avx512vnni -mavx2 -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512vnni)
set(INKLING_KERNEL_FLAGS_arm_neon -march=armv8.2-a+dotprod)
# As fast as with -O3, and smaller; loops that gain by being unrolled are marked so in the source.
foreach(name wasm_simd128 wasm_relaxed wasm_relaxed_dot)
  set(INKLING_KERNEL_FLAGS_${name} -Os -fno-unroll-loops -fno-vectorize -fno-lto)
endforeach()

function(inkling_select_kernels sources_variable)
  if(NOT INKLING_TARGET STREQUAL "native")
    set(family wasm)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(family x86)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(family arm)
  endif()
  set(selected)
  foreach(source ${${sources_variable}})
    get_filename_component(name ${source} NAME_WE)
    if(source MATCHES "/src/kernels/(x86|arm|wasm)_" AND NOT CMAKE_MATCH_1 STREQUAL "${family}")
      continue()
    endif()
    if(name MATCHES "^wasm_relaxed" AND NOT INKLING_RELAXED_SIMD)
      continue()
    endif()
    if(source MATCHES "/src/kernels/" AND DEFINED INKLING_KERNEL_FLAGS_${name})
      set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS ${INKLING_KERNEL_FLAGS_${name}})
    endif()
    list(APPEND selected ${source})
  endforeach()
  set(${sources_variable} ${selected} PARENT_SCOPE)
endfunction()
