/* crc32c.h: the checksum CRC-32C (Castagnoli, RFC 3720 appendix B.4): polynomial 0x1EDC6F41,
 * reflected, begun and ended with all bits turned. */
#pragma once

#include <stdint.h>

#include "base/str.h"

/* Continues a checksum; begin with 0. crc32c(0, "123456789") is 0xe3069283. */
uint32_t crc32c(uint32_t crc, struct str bytes);
