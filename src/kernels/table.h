/* The table of an instruction set whose kernels all come from float_ops.h and panel_ops.h, or are
 * named the same. */
#define INK_KERNELS_TABLE(table_name)                                                              \
  {                                                                                                \
      .name = table_name,                                                                          \
      .quantize = quantize,                                                                        \
      .matmul = matmul,                                                                            \
      .rms_norm = rms_norm,                                                                        \
      .add = add,                                                                                  \
      .scale = scale,                                                                              \
      .silu_multiply = silu_multiply,                                                              \
      .floats_of_halves = floats_of_halves,                                                        \
      .exp_sum = exp_sum,                                                                          \
      .attend = attend,                                                                            \
  }
