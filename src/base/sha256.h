/* SHA-256 (FIPS 180-4) of bytes that arrive in pieces. */
#ifndef INK_BASE_SHA256_H
#define INK_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct ink_sha256 {
  uint32_t state[8];
  uint64_t n_bytes;   /* so far */
  uint8_t block[64];  /* its first n_bytes % 64 are not yet in the state */
} ink_sha256;

void ink_sha256_begin(ink_sha256 *hash);
void ink_sha256_update(ink_sha256 *hash, const uint8_t *bytes, size_t n);
/* `hash` must be begun anew before it is used again. */
void ink_sha256_finish(ink_sha256 *hash, uint8_t digest[32]);

#endif
