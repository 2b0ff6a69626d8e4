#include "kernels/products_wasm_relaxed.h"

#include "kernels/activation_ops.h"
#include "kernels/attention_ops.h"
#include "kernels/float_ops.h"
#include "kernels/panel_ops.h"
#include "kernels/quantize_ops.h"
#include "kernels/table.h"

const ink_kernels ink_kernels_wasm_relaxed = INK_KERNELS_TABLE("wasm_relaxed", 1.0f, 1.8f, 0.8f);
