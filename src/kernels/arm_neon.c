#include "kernels/products_arm_neon.h"

#include "kernels/activation_ops.h"
#include "kernels/attention_ops.h"
#include "kernels/float_ops.h"
#include "kernels/panel_ops.h"
#include "kernels/quantize_ops.h"
#include "kernels/table.h"

/* What a batch costs is estimated from the vector instructions of the loops: it was never timed. */
const ink_kernels ink_kernels_arm_neon = INK_KERNELS_TABLE("arm_neon", 0.95f, 1.7f, 0.9f);
