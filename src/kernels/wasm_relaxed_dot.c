#include "kernels/products_wasm_relaxed_dot.h"

#include "kernels/activation_ops.h"
#include "kernels/attention_ops.h"
#include "kernels/float_ops.h"
#include "kernels/panel_ops.h"
#include "kernels/quantize_ops.h"
#include "kernels/table.h"

const ink_kernels ink_kernels_wasm_relaxed_dot =
    INK_KERNELS_TABLE("wasm_relaxed_dot", 0.9f, 1.5f, 0.85f);
