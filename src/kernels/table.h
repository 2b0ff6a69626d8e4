/* The table of an instruction set whose kernels all come from float_ops.h, activation_ops.h and
 * panel_ops.h, or are named the same. After its name come the numbers of its batch_cost. */
#define INK_KERNELS_TABLE(table_name, ...)                                                         \
  {                                                                                                \
      .name = table_name,                                                                          \
      .kv_run = KV_RUN,                                                                            \
      .batch_cost = {__VA_ARGS__},                                                                 \
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
      .exp_sum = exp_sum,                                                                          \
      .hadamard = hadamard,                                                                        \
      .quantize_query = quantize_query,                                                            \
      .attend = attend,                                                                            \
  }
