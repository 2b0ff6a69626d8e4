/* What the machine could do at most, for comparison with what kernels do. */
#ifndef MACHINE_PEAKS_H
#define MACHINE_PEAKS_H

#include <stddef.h>

double seconds_now(void);

/* Bytes a second that one thread reads from `bytes` at `data`, four places in turns; both multiples of
 * 256. */
double peak_read_rate(const void *data, size_t bytes);

/* Products of 8-bit numbers a second, from registers alone, with the instruction that the table of
 * kernels is built on; 0 where there is none. */
double peak_multiply_rate(const char *kernels);

#endif
