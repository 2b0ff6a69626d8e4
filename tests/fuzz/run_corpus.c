/* Runs a fuzz target over the files named on the command line. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv) {
  static uint8_t bytes[1 << 20];
  for (int i = 1; i < argc; i++) {
    FILE *file = fopen(argv[i], "rb");
    if (!file) {
      printf("can't open %s\n", argv[i]);
      return 1;
    }
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    uint8_t *copy = malloc(n ? n : 1); /* of its exact size, so that reading past it is seen */
    if (!copy) return 1;
    for (size_t k = 0; k < n; k++) copy[k] = bytes[k];
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
  }
  printf("%d inputs\n", argc - 1);
  return argc < 2;
}
