#include "os/process.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct process_sample sample(void)
{
    struct process_sample out;
    struct err err = {0};
    cr_assert_eq(process_sample(&out, &err), 0, "%s", err.msg);
    return out;
}

Test(process, memory_that_is_touched_is_resident)
{
    enum { BYTES = 64 << 20 };
    int64_t before = sample().resident_bytes;
    volatile char *memory = malloc(BYTES);
    cr_assert_not_null((void *)memory);
    for (size_t i = 0; i < BYTES; i += 1024)
        memory[i] = 1;
    int64_t grown = sample().resident_bytes - before;
    cr_expect(grown > BYTES * 9 / 10 && grown < 2 * BYTES, "%lld", (long long)grown);
    free((void *)memory);
}

Test(process, open_files_are_counted)
{
    int64_t before = sample().open_fds;
    int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY);
    cr_expect_eq(sample().open_fds, before + 2);
    close(a);
    close(b);
    cr_expect_eq(sample().open_fds, before, "the count itself leaves nothing open");
}

Test(process, work_takes_cpu_time)
{
    struct process_sample before = sample();
    clock_t from = clock();
    while ((double)(clock() - from) / CLOCKS_PER_SEC < 0.05)
        ;
    double spent = sample().cpu_seconds - before.cpu_seconds;
    cr_expect(spent >= 0.03 && spent < 10, "%f", spent);
}

Test(process, started_a_moment_ago)
{
    double age = (double)time(NULL) - sample().start_time_seconds;
    cr_expect(age > -3 && age < 600, "%f", age);
}
