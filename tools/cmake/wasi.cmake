# WebAssembly for WASI preview 1: with the WASI SDK in $WASI_SDK_PATH, else with Debian's clang-19 and
# wasi-libc. Tests run under Wasmtime, which sees the source tree at its own path.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)

if(DEFINED ENV{WASI_SDK_PATH})
  set(llvm "$ENV{WASI_SDK_PATH}/bin")
  set(CMAKE_SYSROOT "$ENV{WASI_SDK_PATH}/share/wasi-sysroot")
  if(EXISTS "${CMAKE_SYSROOT}/lib/wasm32-wasip1")
    set(target wasm32-wasip1)
  else()
    set(target wasm32-wasi)
  endif()
else()
  set(llvm /usr/lib/llvm-19/bin)
  set(target wasm32-wasi) # clang 20 and later spell it wasm32-wasip1
endif()

set(CMAKE_C_COMPILER "${llvm}/clang")
set(CMAKE_C_COMPILER_TARGET ${target})
set(CMAKE_AR "${llvm}/llvm-ar")
set(CMAKE_RANLIB "${llvm}/llvm-ranlib")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)

find_program(WASMTIME wasmtime HINTS "${CMAKE_CURRENT_LIST_DIR}/../../.cache/bin")
if(WASMTIME)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${WASMTIME};run;--dir;${CMAKE_SOURCE_DIR}")
endif()
