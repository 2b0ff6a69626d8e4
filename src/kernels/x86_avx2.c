#include "kernels/products_x86_avx2.h"

#include "kernels/activation_ops.h"
#include "kernels/attention_ops.h"
#include "kernels/float_ops.h"
#include "kernels/panel_ops.h"
#include "kernels/quantize_ops.h"
#include "kernels/table.h"

const ink_kernels ink_kernels_x86_avx2 = INK_KERNELS_TABLE("x86_avx2", 0.6f, 1.45f, 0.9f);
