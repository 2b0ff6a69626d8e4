/* format: what blocks mean, and that repacking keeps it. */
#include "base/half.h"
#include "base/index.h"
#include "check.h"
#include "fixtures.h"
#include "format/panel.h"

#define MAX_ROWS 9u
#define MAX_ROW_BYTES 512u

/* n bytes of hexadecimal digits, and the space after them. */
static const char *read_hex(const char *text, uint8_t *out, size_t n) {
  for (size_t i = 0; i < n; i++, text += 2) {
    unsigned byte = 0;
    sscanf(text, "%2x", &byte);
    out[i] = (uint8_t)byte;
  }
  return text + 1;
}

static ink_type type_named(const char *name) {
  for (uint32_t type = 0; type < INK_TYPE_END; type++) {
    const ink_type_traits *traits = ink_type_get_traits(type);
    if (traits && strcmp(traits->name, name) == 0) return (ink_type)type;
  }
  printf("no type %s\n", name);
  exit(1);
}

/* A tensor of n_rows of golden rows, repacked in a buffer of exactly its size. */
static ink_status repack_rows(ink_type type, uint32_t n_rows, uint32_t n_cols, size_t row_bytes,
                              uint8_t rows[][MAX_ROW_BYTES], ink_tensor *tensor) {
  uint8_t *data = malloc((size_t)ink_tensor_bytes(type, n_rows, n_cols));
  uint8_t *scratch = malloc((size_t)ink_panel_bytes(type, n_cols) + 1);
  for (uint32_t r = 0; r < n_rows; r++) memcpy(data + r * row_bytes, rows[r], row_bytes);
  *tensor = (ink_tensor){{"t", 1}, type, n_rows, n_cols, data};
  ink_status status = ink_panel_repack(tensor, scratch, NULL);
  free(scratch);
  return status;
}

static void check_values(ink_type type, uint32_t n_rows, uint32_t n_cols, size_t row_bytes,
                         uint8_t rows[][MAX_ROW_BYTES], const uint64_t *hashes,
                         uint32_t first[][4]) {
  ink_tensor tensor;
  float out[INK_SUPER_BLOCK];
  CHECK_STATUS(repack_rows(type, n_rows, n_cols, row_bytes, rows, &tensor), INK_OK);
  for (uint32_t r = 0; r < n_rows; r++) {
    ink_tensor_dequantize_row(&tensor, r, out);
    bool same = ink_hash(out, n_cols * sizeof *out) == hashes[r];
    CHECK(same);
    if (same) continue;
    printf("%s row %u:", ink_type_name(type), (unsigned)r);
    for (int i = 0; i < 4; i++) printf(" %08x/%08x", ink_bits_of_f32(out[i]), first[r][i]);
    printf("\n");
  }
  free(tensor.data);
}

static void check_refusal(ink_type type, uint32_t n_rows, uint32_t n_cols, size_t row_bytes,
                          uint8_t rows[][MAX_ROW_BYTES]) {
  const ink_type_traits *traits = ink_type_get_traits(type);
  size_t block = row_bytes - traits->block_bytes; /* row 1's last */
  static const uint16_t bad_halves[] = {0x7C00, 0xFC00, 0x7E00, 0x7C01};
  uint8_t saved[MAX_ROW_BYTES];
  memcpy(saved, rows[1], row_bytes);
  for (size_t h = 0; h < traits->n_halves; h++) {
    for (size_t i = 0; i < 4; i++) {
      ink_tensor tensor;
      memcpy(rows[1] + block + traits->narrow_at + 2 * h, &bad_halves[i], 2);
      CHECK_STATUS(repack_rows(type, n_rows, n_cols, row_bytes, rows, &tensor),
                   INK_ERR_BAD_MODEL);
      free(tensor.data);
      memcpy(rows[1], saved, row_bytes);
    }
  }
  for (int e = 253; type == INK_TYPE_MXFP4 && e < 256; e++) {
    ink_tensor tensor;
    rows[1][block] = (uint8_t)e;
    CHECK_STATUS(repack_rows(type, n_rows, n_cols, row_bytes, rows, &tensor), INK_ERR_BAD_MODEL);
    free(tensor.data);
    memcpy(rows[1], saved, row_bytes);
  }
}

/* Of every block type, with whole and with padded panels. */
static void values_are_those_of_the_file(void) {
  golden g = golden_open("golden/blocks.txt");
  const char *at = strchr(strstr(g.text, "all in hexadecimal"), '\n') + 1;
  int n_types = 0;
  while (*at) {
    static uint8_t rows[MAX_ROWS][MAX_ROW_BYTES];
    uint64_t hashes[MAX_ROWS];
    uint32_t first[MAX_ROWS][4];
    char name[16];
    unsigned n_rows, n_cols;
    if (sscanf(at, "%15s %u %u", name, &n_rows, &n_cols) != 3 || n_rows > MAX_ROWS) exit(1);
    at = strchr(at, '\n') + 1;
    ink_type type = type_named(name);
    const ink_type_traits *traits = ink_type_get_traits(type);
    size_t row_bytes = n_cols / traits->block_columns * traits->block_bytes;
    for (uint32_t r = 0; r < n_rows; r++) {
      unsigned long long hash;
      at = read_hex(at, rows[r], row_bytes);
      sscanf(at, "%llx %x %x %x %x", &hash, &first[r][0], &first[r][1], &first[r][2],
             &first[r][3]);
      hashes[r] = hash;
      at = strchr(at, '\n') + 1;
    }
    for (uint32_t n = 1; n <= n_rows; n++) {
      check_values(type, n, n_cols, row_bytes, rows, hashes, first);
    }
    check_refusal(type, n_rows, n_cols, row_bytes, rows);
    n_types++;
  }
  CHECK_EQ(n_types, 18);
  golden_close(&g);
}

static void unquantised_values_must_be_finite(void) {
  float values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  ink_tensor tensor = {{"t", 1}, INK_TYPE_F32, 2, 4, (uint8_t *)values};
  float row[4];
  CHECK_STATUS(ink_panel_repack(&tensor, NULL, NULL), INK_OK);
  ink_tensor_dequantize_row(&tensor, 1, row);
  CHECK(row[0] == 5.0f && row[3] == 8.0f);
  values[6] = NAN;
  CHECK_STATUS(ink_panel_repack(&tensor, NULL, NULL), INK_ERR_BAD_MODEL);
  uint16_t halves[8] = {0x3C00, 0x4000, 0xC000, 0x7C00};
  tensor = (ink_tensor){{"t", 1}, INK_TYPE_F16, 2, 4, (uint8_t *)halves};
  CHECK_STATUS(ink_panel_repack(&tensor, NULL, NULL), INK_ERR_BAD_MODEL);
  halves[3] = 0;
  CHECK_STATUS(ink_panel_repack(&tensor, NULL, NULL), INK_OK);
  ink_tensor_dequantize_row(&tensor, 0, row);
  CHECK(row[0] == 1.0f && row[1] == 2.0f && row[2] == -2.0f && row[3] == 0.0f);
  tensor.type = INK_TYPE_BF16;
  halves[3] = 0x7C00; /* a number here */
  CHECK_STATUS(ink_panel_repack(&tensor, NULL, NULL), INK_OK);
  static const uint16_t bad[] = {0x7F80, 0xFF80, 0x7FC0, 0xFF81};
  for (size_t i = 0; i < 4; i++) {
    halves[6] = bad[i];
    CHECK_STATUS(ink_panel_repack(&tensor, NULL, NULL), INK_ERR_BAD_MODEL);
  }
}

static void vectors_are_widened(void) {
  static const ink_type types[] = {INK_TYPE_F16, INK_TYPE_BF16};
  static const uint16_t one[] = {0x3C00, 0x3F80}, minus_two[] = {0xC000, 0xC000};
  for (size_t i = 0; i < 2; i++) {
    CHECK_EQ(ink_tensor_bytes(types[i], 1, 3), 12);
    uint8_t *data = malloc(12);
    uint16_t halves[3] = {one[i], minus_two[i], 0};
    memcpy(data, halves, sizeof halves);
    ink_tensor tensor = {{"t", 1}, types[i], 1, 3, data};
    CHECK_STATUS(ink_panel_repack(&tensor, NULL, NULL), INK_OK);
    const float expected[3] = {1.0f, -2.0f, 0.0f};
    CHECK(tensor.type == INK_TYPE_F32 && memcmp(data, expected, sizeof expected) == 0);
    free(data);
  }
}

int main(void) {
  RUN(values_are_those_of_the_file);
  RUN(unquantised_values_must_be_finite);
  RUN(vectors_are_widened);
  return check_result();
}
