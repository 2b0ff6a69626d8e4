/* Reading files and reporting failures, for the command. */
#ifndef INK_CLI_FILES_H
#define INK_CLI_FILES_H

#include "base/status.h"
#include "cli/options.h"

/* Prints "inkling: MESSAGE" on stderr and returns EXIT_FAILED. */
int report(const ink_error *error);

/* The same for a file that the system refused: "can't WHAT 'PATH': " and what errno says. */
int report_file(const char *what, const char *path);

/* Loads the model that the options name, with progress on a terminal. NULL after report(). */
ink_model *load_model(const options *options);
/* The tokenizer alone, of any model. */
ink_model *load_vocabulary(const options *options);

/* An adapter for the model. NULL after report(). */
ink_adapter *load_adapter(const ink_model *model, const char *path);

/* Reads only the description at the file's start. The loader, which holds it, or NULL. */
ink_loader *load_description(const char *path);

/* The whole file, or stdin when path is NULL, NUL-terminated; the caller frees it. NULL after
 * report(). */
char *read_text(const char *path, size_t *len);

/* JSON Lines: the line that begins at *at, which moves on behind it; one of white space alone comes
 * as an empty one. False at the text's end. */
bool text_line(const char *text, size_t len, size_t *at, ink_str *line);

/* Flushes stdout. False, with the error filled, when something could not be written. */
bool flush_output(ink_error *error);

double now_ms(void);

/* The tokens of a text, in a block that the caller frees; NULL after report(). */
ink_token *tokenize_text(const ink_model *model, const char *text, size_t len, uint32_t flags,
                         size_t *n);

#endif
