#include "kernels/products_arm_neon.h"

#include "kernels/activation_ops.h"
#include "kernels/attention_ops.h"
#include "kernels/float_ops.h"
#include "kernels/panel_ops.h"
#include "kernels/table.h"

const ink_kernels ink_kernels_arm_neon = INK_KERNELS_TABLE("arm_neon", 0.95f, 1.35f, 0.75f);
