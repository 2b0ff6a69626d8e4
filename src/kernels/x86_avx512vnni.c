#include "kernels/products_x86_avx512vnni.h"

#include "kernels/activation_ops.h"
#include "kernels/attention_ops.h"
#include "kernels/float_ops.h"
#include "kernels/panel_ops.h"
#include "kernels/quantize_ops.h"
#include "kernels/table.h"

const ink_kernels ink_kernels_x86_avx512vnni =
    INK_KERNELS_TABLE("x86_avx512vnni", 1.0f, 1.05f, 0.9f);
