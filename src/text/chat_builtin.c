/* Chat templates by name. Where a family has no system role, the system message stands before the
 * first user's message. */
#include <string.h>

#include "inkling.h"

/* `{{ }}` keeps the line break after it, `{% %}` takes it away. */
#define BOS "{{ bos_token if bos_token is defined }}"
#define EOS "{{ eos_token if eos_token is defined }}"

/* Begins with the loop over all messages but the system's, whose text is in `system` then. */
#define WITHOUT_SYSTEM                                                                             \
  "{% set system = '' %}"                                                                          \
  "{% if messages and messages[0]['role'] == 'system' %}"                                          \
  "{% set system = messages[0]['content'] %}"                                                      \
  "{% set messages = messages[1:] %}"                                                              \
  "{% endif %}"

static const struct {
  const char *name, *text;
} templates[] = {
    {"chatml",
     "{% for message in messages %}"
     "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
     "{% endfor %}"
     "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"},
    {"llama3",
     BOS "{% for message in messages %}"
         "<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
         "{{ message['content'] | trim }}<|eot_id|>"
         "{% endfor %}"
         "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"},
    {"llama2",
     WITHOUT_SYSTEM "{% for message in messages %}"
                    "{% if message['role'] == 'assistant' %}"
                    " {{ message['content'] | trim }} " EOS "{% else %}" BOS
                    "[INST] {% if loop.first and system %}<<SYS>>\n{{ system }}\n<</SYS>>\n\n{% endif %}"
                    "{{ message['content'] | trim }} [/INST]"
                    "{% endif %}"
                    "{% endfor %}"},
    {"gemma",
     BOS WITHOUT_SYSTEM "{% for message in messages %}"
                        "<start_of_turn>{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n"
                        "{% if loop.first and system %}{{ system }}\n\n{% endif %}"
                        "{{ message['content'] | trim }}<end_of_turn>\n"
                        "{% endfor %}"
                        "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"},
    {"phi3",
     "{% for message in messages %}"
     "<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n"
     "{% endfor %}"
     "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"},
    {"mistral",
     BOS WITHOUT_SYSTEM "{% for message in messages %}"
                        "{% if message['role'] == 'assistant' %} {{ message['content'] | trim }}" EOS
                        "{% else %}[INST] {% if loop.first and system %}{{ system }}\n\n{% endif %}"
                        "{{ message['content'] }} [/INST]"
                        "{% endif %}"
                        "{% endfor %}"},
    {"zephyr",
     "{% for message in messages %}"
     "<|{{ message['role'] }}|>\n{{ message['content'] }}" EOS "\n"
     "{% endfor %}"
     "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"},
    {"alpaca",
     WITHOUT_SYSTEM "{{ system or 'Below is an instruction that describes a task. Write a response that "
                    "appropriately completes the request.' }}\n\n"
                    "{% for message in messages %}"
                    "### {{ 'Response' if message['role'] == 'assistant' else 'Instruction' }}:\n"
                    "{{ message['content'] | trim }}"
                    "{% if message['role'] == 'assistant' %}" EOS "{% endif %}{{ '\\n\\n' }}"
                    "{% endfor %}"
                    "{% if add_generation_prompt %}### Response:\n{% endif %}"},
};

enum { N_TEMPLATES = sizeof templates / sizeof *templates };

const char *ink_builtin_chat_template_name(size_t index) {
  return index < N_TEMPLATES ? templates[index].name : NULL;
}

const char *ink_builtin_chat_template(const char *name) {
  for (size_t i = 0; i < N_TEMPLATES; i++) {
    if (strcmp(templates[i].name, name) == 0) return templates[i].text;
  }
  return NULL;
}
