/* fixture.h: what the tests of src/sql share. */
#pragma once

/* For TestSuite's .fini: under AddressSanitizer a leak ends the test as a crash. */
void fixture_check_leaks(void);
