#include "model/recipe.h"

#include <string.h>

static const ink_recipe recipes[] = {
    {"F32", 0, INK_TYPE_F32, INK_TYPE_F32, false},
    {"F16", 1, INK_TYPE_F16, INK_TYPE_F16, false},
    {"BF16", 32, INK_TYPE_BF16, INK_TYPE_BF16, false},
    {"Q4_0", 2, INK_TYPE_Q4_0, INK_TYPE_Q4_0, false},
    {"Q4_1", 3, INK_TYPE_Q4_1, INK_TYPE_Q4_1, false},
    {"Q5_0", 8, INK_TYPE_Q5_0, INK_TYPE_Q5_0, false},
    {"Q5_1", 9, INK_TYPE_Q5_1, INK_TYPE_Q5_1, false},
    {"Q8_0", 7, INK_TYPE_Q8_0, INK_TYPE_Q8_0, false},
    {"Q4_K_S", 14, INK_TYPE_Q4_K, INK_TYPE_Q5_K, false},
    {"Q4_K_M", 15, INK_TYPE_Q4_K, INK_TYPE_Q6_K, true},
    {"Q5_K_S", 16, INK_TYPE_Q5_K, INK_TYPE_Q5_K, false},
    {"Q5_K_M", 17, INK_TYPE_Q5_K, INK_TYPE_Q6_K, true},
    {"Q6_K", 18, INK_TYPE_Q6_K, INK_TYPE_Q6_K, false},
};
#define N_RECIPES (sizeof recipes / sizeof recipes[0])

/* As in llama.cpp, the medium mix is what is meant where neither is said. */
static const char *const aliases[][2] = {{"Q4_K", "Q4_K_M"}, {"Q5_K", "Q5_K_M"}};

static bool same_name(const char *a, const char *b) {
  for (; *a && *b; a++, b++) {
    char upper = *a >= 'a' && *a <= 'z' ? (char)(*a - 'a' + 'A') : *a;
    if (upper != *b) return false;
  }
  return *a == *b;
}

const ink_recipe *ink_recipe_find(const char *name) {
  for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
    if (same_name(name, aliases[i][0])) name = aliases[i][1];
  }
  for (size_t i = 0; i < N_RECIPES; i++) {
    if (same_name(name, recipes[i].name)) return &recipes[i];
  }
  return NULL;
}

const char *ink_recipe_name(size_t index) {
  return index < N_RECIPES ? recipes[index].name : NULL;
}

/* ---- Which tensors ---- */

static bool contains(ink_str name, const char *part) {
  size_t len = strlen(part);
  for (size_t i = 0; i + len <= name.len; i++) {
    if (memcmp(name.data + i, part, len) == 0) return true;
  }
  return false;
}

static bool ends_with(ink_str name, const char *end) {
  size_t len = strlen(end);
  return name.len >= len && memcmp(name.data + name.len - len, end, len) == 0;
}

/* Matrices of weights, but for those that are small and delicate. */
static bool is_quantized(const ink_gguf_tensor *tensor) {
  static const char *const kept[] = {
      "_norm.weight",    "ffn_gate_inp.weight", "position_embd.weight", "token_types.weight",
      "attn_rel_b.weight", "ssm_conv1d",        "shortconv.conv.weight",
      "per_layer_model_proj", "altup", "laurel",
  };
  if (!ends_with(tensor->name, "weight")) return false;
  if (tensor->dims[1] * tensor->dims[2] * tensor->dims[3] == 1) return false;
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
    if (contains(tensor->name, kept[i])) return false;
  }
  return true;
}

/* ---- Which type ---- */

static bool fits(const ink_gguf_tensor *tensor, ink_type type) {
  return tensor->dims[0] % ink_type_get_traits(type)->block_columns == 0;
}

static ink_type that_fits(const ink_gguf_tensor *tensor, ink_type type) {
  if (!fits(tensor, type)) {
    if (type == INK_TYPE_Q4_K) type = INK_TYPE_Q5_0;
    if (type == INK_TYPE_Q5_K) type = INK_TYPE_Q5_1;
    if (type == INK_TYPE_Q6_K) type = INK_TYPE_Q8_0;
  }
  return fits(tensor, type) ? type : INK_TYPE_F16;
}

/* "blk.LAYER."; 0 for tensors outside the layers. */
static uint32_t layer_of(ink_str name) {
  uint32_t layer = 0;
  if (name.len < 5 || memcmp(name.data, "blk.", 4) != 0) return 0;
  for (size_t i = 4; i < name.len && name.data[i] >= '0' && name.data[i] <= '9'; i++) {
    if (layer > UINT16_MAX) return 0;
    layer = 10 * layer + (uint32_t)(name.data[i] - '0');
  }
  return layer;
}

/* The first and last eighth of the layers, and every third in between. */
static bool gets_more(uint32_t layer, uint32_t n_layer) {
  uint32_t eighth = n_layer / 8;
  return layer < eighth || layer >= 7 * n_layer / 8 || (layer - eighth) % 3 == 2;
}

static ink_type choose_output(const ink_recipe *recipe, const ink_recipe_model *model,
                              const ink_gguf_tensor *tensor) {
  if (model->is_falcon || !fits(tensor, recipe->type)) return INK_TYPE_Q8_0;
  return recipe->type == INK_TYPE_Q8_0 ? INK_TYPE_Q8_0 : INK_TYPE_Q6_K;
}

static ink_type choose_value(const ink_recipe *recipe, const ink_recipe_model *model,
                             uint32_t layer) {
  if (model->n_expert == 8) return INK_TYPE_Q8_0; /* next to the experts it is nothing */
  bool more = recipe->medium ? gets_more(layer, model->n_layer) : layer < 4;
  return more ? recipe->more : recipe->type;
}

static ink_type choose_down(const ink_recipe *recipe, const ink_recipe_model *model,
                            uint32_t layer) {
  bool first = layer < model->n_layer / 8;
  /* Importance can make the extremes of the first layers' 4-bit blocks too coarse; a minimum helps. */
  if (recipe->type == INK_TYPE_Q4_0 && model->has_importance && first) return INK_TYPE_Q4_1;
  if (recipe->type == INK_TYPE_Q5_0 && model->has_importance && first) return INK_TYPE_Q5_1;
  if (!recipe->medium) return first && !model->is_falcon ? recipe->more : recipe->type;
  bool more = gets_more(layer, model->n_layer);
  if (model->is_falcon && recipe->type == INK_TYPE_Q4_K) {
    if (layer < model->n_layer / 16) return INK_TYPE_Q6_K;
    return more ? INK_TYPE_Q5_K : INK_TYPE_Q4_K;
  }
  return more ? recipe->more : recipe->type;
}

static ink_type choose_mixed(const ink_recipe *recipe, const ink_recipe_model *model,
                             const ink_gguf_tensor *tensor) {
  ink_str name = tensor->name;
  bool k_of_4 = recipe->type == INK_TYPE_Q4_K, eight_experts = model->n_expert == 8;
  uint32_t layer = layer_of(name);
  if (ink_str_is(name, "output.weight") || (!model->has_output && ink_str_is(name, "token_embd.weight"))) {
    return choose_output(recipe, model, tensor);
  }
  if (contains(name, "attn_v.weight")) return choose_value(recipe, model, layer);
  if (contains(name, "attn_k.weight") && eight_experts) return INK_TYPE_Q8_0;
  if (contains(name, "ffn_down")) return choose_down(recipe, model, layer);
  if (contains(name, "attn_output.weight") && eight_experts && k_of_4) return INK_TYPE_Q5_K;
  if (contains(name, "attn_qkv.weight") && recipe->medium) {
    return k_of_4 ? INK_TYPE_Q5_K : INK_TYPE_Q6_K;
  }
  return recipe->type;
}

ink_type ink_recipe_choose(const ink_recipe *recipe, const ink_recipe_model *model,
                           const ink_gguf_tensor *tensor) {
  if (!is_quantized(tensor)) return (ink_type)tensor->type;
  bool plain = model->pure || ink_type_get_traits(recipe->type)->block_columns == 1;
  return that_fits(tensor, plain ? recipe->type : choose_mixed(recipe, model, tensor));
}
