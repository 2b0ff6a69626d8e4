/* The table of an instruction set whose kernels all come from float_ops.h, activation_ops.h and
 * panel_ops.h, or are named the same. */
#define INK_KERNELS_TABLE(table_name)                                                              \
  {                                                                                                \
      .name = table_name,                                                                          \
      .quantize = quantize,                                                                        \
      .matmul = matmul,                                                                            \
      .rms_norm = rms_norm,                                                                        \
      .add = add,                                                                                  \
      .scale = scale,                                                                              \
      .silu_multiply = silu_multiply,                                                              \
      .multiply = multiply,                                                                        \
      .add_scaled = add_scaled,                                                                    \
      .layer_norm = layer_norm,                                                                    \
      .gelu_tanh = gelu_tanh,                                                                      \
      .gelu_erf = gelu_erf,                                                                        \
      .soft_cap = soft_cap,                                                                        \
      .floats_of_halves = floats_of_halves,                                                        \
      .floats_of_bf16 = floats_of_bf16,                                                            \
      .floats_of_q8_keys = floats_of_q8_keys,                                                      \
      .floats_of_q8_values = floats_of_q8_values,                                                  \
      .exp_sum = exp_sum,                                                                          \
      .attend = attend,                                                                            \
  }
