#include "kernels/products_wasm_simd128.h"

#include "kernels/activation_ops.h"
#include "kernels/attention_ops.h"
#include "kernels/float_ops.h"
#include "kernels/panel_ops.h"
#include "kernels/quantize_ops.h"
#include "kernels/table.h"

const ink_kernels ink_kernels_wasm_simd128 = INK_KERNELS_TABLE("wasm_simd128", 0.9f, 2.1f, 0.95f);
