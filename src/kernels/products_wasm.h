/* What the products of WebAssembly's sets share. */
#ifndef INK_KERNELS_PRODUCTS_WASM_H
#define INK_KERNELS_PRODUCTS_WASM_H

#include "kernels/unrolled.h"
#include "kernels/vec_wasm.h"

#define TILES_ARE_ROTATED 1 /* tile_rotated.h */
#define WIDE_PANELS 2u
#define WIDE_IS_TWO_REGISTERS 1

#endif
