/* How each model's tokenizer cuts its text: the patterns are the models' own, from their
 * tokenizer.json; which names share them is llama.cpp's list (src/llama-vocab.cpp).
 *
 * Where llama.cpp differs from a model's original, this table follows the original:
 *  - "gpt-4o", "tekken": llama.cpp replaces the case categories by ASCII letters and leaves marks out.
 *  - "falcon": llama.cpp has no step that parts digits from the space before them. The model's has
 *    one, after the bytes were spelled as characters: bytes such as 0xBD, which reads as a half,
 *    are parted from their neighbours, too.
 *  - "deepseek-llm": llama.cpp keeps runs of digits together, which the vocabulary undoes.
 *  - (?i:'s) also matches a long s (U+017F); llama.cpp's spelling of it doesn't.
 *  - llama.cpp never normalises: see `nfc`.
 * Punctuation and digits that Hugging Face's pre-tokenizers find without a pattern are those of
 * their own tables: older, and newer, than Unicode 16; here it is 16 for all. */
#include "text/pretokenize.h"

#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"

/* ByteLevel's own, GPT-2's (Radford et al., 2019). */
#define GPT2                                                                                       \
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

#define NEWLINES_AND_SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* The cl100k family; they differ in how many digits stay together. */
#define LLAMA3                                                                                     \
  CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"         \
              NEWLINES_AND_SPACES
#define QWEN2                                                                                      \
  CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"              \
              NEWLINES_AND_SPACES

/* The o200k family: a word begins where its case says so. */
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED_WORDS(suffix)                                                                        \
  "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" suffix                                              \
  "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" suffix
#define GPT4O                                                                                      \
  CASED_WORDS(CONTRACTION "?")                                                                     \
  "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" NEWLINES_AND_SPACES

#define ASCII_PUNCTUATION "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"
#define DEEPSEEK_CJK "[一-龥ࠀ-一가-퟿]+"
#define V3_WORDS                                                                                   \
  ASCII_PUNCTUATION "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
#define V3 V3_WORDS " ?[\\p{P}\\p{S}]+[\\r\\n]*|" NEWLINES_AND_SPACES

/* Letters with case, of which deepseek-llm lists those that Unicode had when the list was made, and
 * not all scripts: this is that list, said shorter. */
#define DEEPSEEK_LETTERS                                                                           \
  "\\p{Lu}\\p{Ll}\\p{Lt}&&[^\\x{560}-\\x{588}\\x{10C7}-\\x{10FF}\\x{1C80}-\\x{1C8A}"               \
  "\\x{2D00}-\\x{2D2D}\\x{A790}-\\x{AB6F}\\x{10500}-\\x{10BFF}\\x{10D00}-\\x{1189F}"               \
  "\\x{118E0}-\\x{1E8FF}]"

#define BLOOM " ?[^(\\s|.,!?…。，、।۔،)]+"

/* \p{P} and what else Hugging Face's Punctuation takes. */
#define PUNCTUATION "[\\p{P}!-/:-@\\[-`{-~]"

const ink_pretokenizer_rule ink_pretokenizer_rules[] = {
    {.names = "gpt-2 phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe "
     "gigachat a.x-4.0 mellum jais trillion granite-docling exaone4",
     .splits = {GPT2}},
    {.names = "olmo mpt gpt-neox modern-bert", .splits = {GPT2}, .nfc = true},
    {.names = "smollm starcoder refact codeshell exaone minerva-7b mellum2", .splits = {"\\p{N}", GPT2}},
    {.names = "command-r", .splits = {"\\p{N}", GPT2}, .nfc = true},
    {.names = "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     .splits = {LLAMA3},
     .ignore_merges = true,
     .add_bos = true},
    {.names = "dbrx smaug-bpe glm4 chatglm-bpe", .splits = {LLAMA3}},
    {.names = "qwen2", .splits = {QWEN2}, .nfc = true},
    {.names = "stablelm2", .splits = {QWEN2}, .nfc = true},
    {.names = "deepseek-r1-qwen kormo f2llmv2 megrez hunyuan solar-open grok-2", .splits = {QWEN2}},
    {.names = "qwen35",
     .splits = {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+"
                   "[\\r\\n]*|" NEWLINES_AND_SPACES},
     .nfc = true},
    {.names = "ufakzeka",
     .splits = {"[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" NEWLINES_AND_SPACES}},
    {.names = "gpt-4o llama4 kanana2 talkie minimax-m2", .splits = {GPT4O}},
    {.names = "granite-embed-multi-97m", .splits = {GPT4O}, .ignore_merges = true},
    {.names = "tiny_aya cohere2moe", .splits = {"\\d+(?!\\w)", GPT4O},
     .grouped_split = 1},
    {.names = "tekken",
     .splits = {CASED_WORDS("") "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" NEWLINES_AND_SPACES},
     .ignore_merges = true,
     .add_bos = true},
    {.names = "kimi-k2",
     .splits = {"[\\p{Han}]+|"
       "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]*"
       "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]+" CONTRACTION "?|"
       "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]+"
       "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]*" CONTRACTION "?|"
       "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" NEWLINES_AND_SPACES}},
    {.names = "deepseek-llm",
     .splits = {"[\\r\\n]",
      "\\s?[" DEEPSEEK_LETTERS "]+",
      "\\s?[!-/:-~！-／：-～‘-‟　-。]+",
      "\\s+$",
      DEEPSEEK_CJK,
      "\\p{N}"}},
    {.names = "deepseek-coder",
     .splits = {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", DEEPSEEK_CJK, "\\p{N}"}},
    {.names = "deepseek-v3 hunyuan-dense joyai-llm hy_v4", .splits = {"\\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", V3}},
    {.names = "spark2_5",
     .splits = {"\\p{N}{1,3}",
      "[一-龥぀-ゟ゠-ヿ]+",
      V3_WORDS " ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+",
      "\\p{N}"}},
    {.names = "afmoe",
     .splits = {"\\p{N}+",
      "[\\x{4E00}-\\x{9FFF}\\x{3400}-\\x{4DBF}\\x{F900}-\\x{FAFF}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}\\x{FF65}-\\x{FF9F}\\x{2F00}-\\x{2FDF}\\x{E40}-\\x{E7F}\\x{E80}-\\x{EFF}\\x{1780}-\\x{17FF}\\x{1000}-\\x{109F}\\x{AA60}-\\x{AA7F}\\x{A9E0}-\\x{A9FF}\\x{AC00}-\\x{D7AF}\\x{1100}-\\x{11FF}]+",
      V3},
     .grouped_split = 1},
    {.names = "youtu",
     .splits = {"[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+",
      CASED_WORDS(CONTRACTION "?") "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" NEWLINES_AND_SPACES},
     .ignore_merges = true},
    {.names = "falcon",
     .splits = {PUNCTUATION "+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"},
     .bytes_split = 3},
    /* What llama.cpp does for files that name no pre-tokenizer. */
    {.names = "default",
     .splits = {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {.names = "poro-chat bloom gpt3-finnish", .splits = {BLOOM}},
    {.names = "viking", .splits = {BLOOM, "\\p{N}"}},
    {.names = "superbpe", .splits = {"\\p{N}+"}, .grouped_split = 1},
    {.names = "bailingmoe bailingmoe2 llada-moe",
     .splits = {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|"
       "\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    {.names = "seed-coder",
     .splits = {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|"
                   NEWLINES_AND_SPACES}},
    {.names = "laguna", .splits = {"[^\\n]+|[\\n]+", QWEN2}},
    {.names = "exaone-moe",
     .splits = {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}|"
                   " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    {.names = "minicpm5",
     .splits = {"\\p{N}{1,3}",
      CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}+| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
                   NEWLINES_AND_SPACES},
     .ignore_merges = true},
    {.names = "jais-2",
     .splits = {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
                   "\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|"
                   "\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|"
                   "\\s{1}"}},
    {.names = "chameleon",
     .splits = {"<sentinel:[0-9]+>",
      "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
      "([\\t\\n]|    |  )",
      "\\p{N}",
      PUNCTUATION,
      GPT2},
     .add_bos = true},
};
const size_t ink_n_pretokenizer_rules =
    sizeof ink_pretokenizer_rules / sizeof ink_pretokenizer_rules[0];
