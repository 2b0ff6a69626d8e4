/* info and version. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/listing.h"

static void print_json(const ink_model_info *info, const ink_memory *memory) {
  fputs("{\"architecture\":", stdout);
  json_string(info->architecture, strlen(info->architecture));
  fputs(",\"name\":", stdout);
  json_string(info->name, strlen(info->name));
  printf(",\"tokenizer\":\"%s\",\"quantization\":\"%s\",\"n_params\":%llu,\"n_tensors\":%u,"
         "\"n_vocab\":%u,\"n_ctx_train\":%u,\"n_embd\":%u,\"n_layer\":%u,\"n_head\":%u,"
         "\"n_head_kv\":%u,\"n_ff\":%u,\"add_bos\":%s,\"has_chat_format\":%s,\"pooling_type\":%d,",
         info->tokenizer, info->quantization, (unsigned long long)info->n_params,
         (unsigned)info->n_tensors, (unsigned)info->n_vocab, (unsigned)info->n_ctx_train,
         (unsigned)info->n_embd, (unsigned)info->n_layer, (unsigned)info->n_head,
         (unsigned)info->n_head_kv, (unsigned)info->n_ff, info->add_bos ? "true" : "false",
         info->has_chat_format ? "true" : "false", (int)info->pooling);
  printf("\"memory\":{\"weights\":%llu,\"vocabulary\":%llu,\"kv_cache\":%llu,\"scratch\":%llu,"
         "\"total\":%llu},",
         (unsigned long long)memory->weights, (unsigned long long)memory->vocabulary,
         (unsigned long long)memory->kv_cache, (unsigned long long)memory->scratch,
         (unsigned long long)memory->total);
}

static const char *pooling_name(ink_pooling pooling) {
  switch (pooling) {
  case INK_POOLING_MEAN: return "the mean of the tokens' vectors";
  case INK_POOLING_LAST: return "the last token's vector";
  default: return "pooled in a way that is not computed";
  }
}

static double mega(uint64_t bytes) { return (double)bytes / 1e6; }

static void print_text(const ink_model_info *info, const ink_memory *memory) {
  printf("name          %s\n", info->name);
  printf("architecture  %s: %u layers, width %u, %u heads (%u for keys and values), "
         "feed-forward %u\n",
         info->architecture, (unsigned)info->n_layer, (unsigned)info->n_embd,
         (unsigned)info->n_head, (unsigned)info->n_head_kv, (unsigned)info->n_ff);
  printf("parameters    %.1f million in %u tensors\n", (double)info->n_params / 1e6,
         (unsigned)info->n_tensors);
  printf("quantisation  mostly %s\n", info->quantization);
  printf("tokenizer     %s, %u tokens%s\n", info->tokenizer, (unsigned)info->n_vocab,
         info->add_bos ? ", asks for BOS" : "");
  printf("chat format   %s\n", info->has_chat_format ? "yes" : "no");
  if (info->pooling) printf("embeddings    %s\n", pooling_name(info->pooling));
  printf("context       trained for %u tokens\n", (unsigned)info->n_ctx_train);
  printf("memory        %.1f MB: weights %.1f, vocabulary %.1f, KV cache %.1f, scratch %.1f\n",
         mega(memory->total), mega(memory->weights), mega(memory->vocabulary),
         mega(memory->kv_cache), mega(memory->scratch));
}

static void print_info(const options *o, const ink_model_info *info, const gguf_file *file) {
  ink_session_params params = {
      .n_ctx = o->n_ctx, .n_threads = o->n_threads, .kv_type = o->kv_type};
  ink_memory memory = ink_memory_needed(info, &params);
  if (o->json) {
    print_json(info, &memory);
    listing_print_json(file);
    puts("}");
    return;
  }
  print_text(info, &memory);
  listing_print_summary(file);
  if (o->metadata) putchar('\n');
  if (o->metadata) listing_print_metadata(file);
  if (o->tensors) putchar('\n');
  if (o->tensors) listing_print_tensors(file);
}

int command_info(const options *o) {
  ink_loader *loader = load_description(o->model);
  gguf_file file;
  if (!loader) return EXIT_FAILED;
  bool opened = gguf_file_open(&file, o->model);
  if (opened) {
    print_info(o, ink_loader_info(loader), &file);
    gguf_file_close(&file);
  }
  ink_loader_free(loader);
  return opened ? EXIT_DONE : EXIT_FAILED;
}

int command_version(void) {
  fputs("inkling " INK_VERSION "\nkernels:", stdout);
  const char *name;
  for (size_t i = 0; (name = ink_kernels_name(i)) != NULL; i++) printf(" %s", name);
  putchar('\n');
  return EXIT_DONE;
}
