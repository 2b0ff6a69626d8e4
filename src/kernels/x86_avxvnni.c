#include "kernels/products_x86_avxvnni.h"

#include "kernels/activation_ops.h"
#include "kernels/attention_ops.h"
#include "kernels/float_ops.h"
#include "kernels/panel_ops.h"
#include "kernels/quantize_ops.h"
#include "kernels/table.h"

const ink_kernels ink_kernels_x86_avxvnni = INK_KERNELS_TABLE("x86_avxvnni", 0.8f, 1.25f, 0.9f);
