/* How each model's tokenizer cuts its text: the patterns are the models' own, from their
 * tokenizer.json; which names share them is llama.cpp's list (src/llama-vocab.cpp).
 *
 * Where llama.cpp differs from a model's original, this table follows the original:
 *  - "gpt-4o", "tekken": llama.cpp replaces the case categories by ASCII letters and leaves marks out.
 *  - "falcon": llama.cpp has no step that parts digits from the space before them.
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

/* Letters with case, as listed by deepseek-llm. */
#define DEEPSEEK_LETTERS                                                                           \
  "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝ"   \
  "Ὗ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿ"  \
  "ﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"

#define BLOOM " ?[^(\\s|.,!?…。，、।۔،)]+"

/* \p{P} and what else Hugging Face's Punctuation takes. */
#define PUNCTUATION "[\\p{P}!-/:-@\\[-`{-~]"

const ink_pretokenizer_rule ink_pretokenizer_rules[] = {
    {"gpt-2 phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe "
     "gigachat a.x-4.0 mellum jais trillion granite-docling exaone4",
     {{GPT2}}},
    {"olmo mpt gpt-neox modern-bert", {{GPT2}}, .nfc = true},
    {"smollm starcoder refact codeshell exaone minerva-7b mellum2", {{"\\p{N}"}, {GPT2}}},
    {"command-r", {{"\\p{N}"}, {GPT2}}, .nfc = true},
    {"llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     {{LLAMA3}},
     .ignore_merges = true,
     .add_bos = true},
    {"dbrx smaug-bpe glm4 chatglm-bpe", {{LLAMA3}}},
    {"qwen2", {{QWEN2}}, .nfc = true},
    {"stablelm2", {{QWEN2}}, .nfc = true},
    {"deepseek-r1-qwen kormo f2llmv2 megrez hunyuan solar-open grok-2", {{QWEN2}}},
    {"qwen35",
     {{CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+"
                   "[\\r\\n]*|" NEWLINES_AND_SPACES}},
     .nfc = true},
    {"ufakzeka",
     {{"[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" NEWLINES_AND_SPACES}}},
    {"gpt-4o llama4 kanana2 talkie minimax-m2", {{GPT4O}}},
    {"granite-embed-multi-97m", {{GPT4O}}, .ignore_merges = true},
    {"tiny_aya cohere2moe", {{"\\d+(?!\\w)", true, true}, {GPT4O}}},
    {"tekken",
     {{CASED_WORDS("") "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" NEWLINES_AND_SPACES}},
     .ignore_merges = true,
     .add_bos = true},
    {"kimi-k2",
     {{"[\\p{Han}]+|"
       "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]*"
       "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]+" CONTRACTION "?|"
       "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]+"
       "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]*" CONTRACTION "?|"
       "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" NEWLINES_AND_SPACES}}},
    {"deepseek-llm",
     {{"[\\r\\n]"},
      {"\\s?[" DEEPSEEK_LETTERS "]+"},
      {"\\s?[!-/:-~！-／：-～‘-‟　-。]+"},
      {"\\s+$", false, true},
      {DEEPSEEK_CJK},
      {"\\p{N}"}}},
    {"deepseek-coder",
     {{"[\\r\\n]"}, {"\\s?\\p{L}+"}, {"\\s?\\p{P}+"}, {DEEPSEEK_CJK}, {"\\p{N}"}}},
    {"deepseek-v3 hunyuan-dense joyai-llm hy_v4", {{"\\p{N}{1,3}"}, {"[一-龥぀-ゟ゠-ヿ]+"}, {V3}}},
    {"spark2_5",
     {{"\\p{N}{1,3}"},
      {"[一-龥぀-ゟ゠-ヿ]+"},
      {V3_WORDS " ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+"},
      {"\\p{N}"}}},
    {"afmoe",
     {{"\\p{N}+", true},
      {"[一-鿿㐀-䶿豈-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+"},
      {V3}}},
    {"youtu",
     {{"[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+"},
      {CASED_WORDS(CONTRACTION "?") "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" NEWLINES_AND_SPACES}},
     .ignore_merges = true},
    {"falcon",
     {{PUNCTUATION "+"}, {GPT2}, {"\\p{N}+"}, {"[0-9][0-9][0-9]"}}},
    /* What llama.cpp does for files that name no pre-tokenizer. */
    {"default",
     {{"[\\p{P}\\$\\+<=>\\^~\\|]+"}, {GPT2}, {"\\p{N}+"}, {"[0-9][0-9][0-9]"}}},
    {"poro-chat bloom gpt3-finnish", {{BLOOM}}},
    {"viking", {{BLOOM}, {"\\p{N}"}}},
    {"superbpe", {{"\\p{N}+", true}}},
    {"bailingmoe bailingmoe2 llada-moe",
     {{"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|"
       "\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}}},
    {"seed-coder",
     {{CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|"
                   NEWLINES_AND_SPACES}}},
    {"laguna", {{"[^\\n]+|[\\n]+"}, {QWEN2}}},
    {"exaone-moe",
     {{CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}|"
                   " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}}},
    {"minicpm5",
     {{"\\p{N}{1,3}"},
      {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}+| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
                   NEWLINES_AND_SPACES}},
     .ignore_merges = true},
    {"jais-2",
     {{CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
                   "\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|"
                   "\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|"
                   "\\s{1}"}}},
    {"chameleon",
     {{"<sentinel:[0-9]+>"},
      {"(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z"},
      {"([\\t\\n]|    |  )"},
      {"\\p{N}"},
      {PUNCTUATION},
      {GPT2}},
     .add_bos = true},
};
const size_t ink_n_pretokenizer_rules =
    sizeof ink_pretokenizer_rules / sizeof ink_pretokenizer_rules[0];
