/* Quantisation recipes: which type each tensor of a model gets. They are llama.cpp's of the same
 * names: most of the model in one type, the tensors that matter most in more bits. */
#ifndef INK_MODEL_RECIPE_H
#define INK_MODEL_RECIPE_H

#include "format/gguf.h"

typedef struct ink_recipe {
  const char *name;
  uint32_t file_type; /* general.file_type, llama.cpp's number */
  ink_type type;      /* of most tensors */
  ink_type more;      /* of those that matter most; `type`: there is no difference */
  bool medium;        /* "_M": of attn_v and ffn_down, in half of the layers */
} ink_recipe;

/* By name, in upper or lower case; NULL when there is none. */
const ink_recipe *ink_recipe_find(const char *name);

/* Their names: index 0.. until NULL. */
const char *ink_recipe_name(size_t index);

/* What the choice depends on besides the tensor. */
typedef struct ink_recipe_model {
  uint32_t n_layer;
  uint32_t n_expert;
  bool has_output;     /* a tensor output.weight; else token_embd.weight serves */
  bool is_falcon;
  bool has_importance;
  bool pure;           /* the recipe's type for every tensor that is quantised */
} ink_recipe_model;

/* The type that a tensor is to have: its own when it stays as it is, as norms, biases and routers do.
 * Where the rows aren't a multiple of the block, the nearest type that fits them: Q5_0 for Q4_K, Q5_1
 * for Q5_K, Q8_0 for Q6_K; else F16. */
ink_type ink_recipe_choose(const ink_recipe *recipe, const ink_recipe_model *model,
                           const ink_gguf_tensor *tensor);

#endif
