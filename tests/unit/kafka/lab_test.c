/* The lab's messages. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/lab.h"

static const int64_t time_ms = 1766783778000; /* 2025-12-26 21:16:18 */

Test(lab, writes_what_json_dumps_would)
{
    struct lab lab;
    struct lab_message message;
    lab_init(&lab, 1, 50);
    for (int i = 0; i < 20000; i++) {
        char id[16], user[16], type[16], location[16], amount[16], expected[256];
        double value;
        lab_next(&lab, time_ms, &message);
        cr_assert_eq(sscanf(message.value,
                            "{\"transaction_id\": \"txn_%15[0-9]\", \"user_id\": \"%15[a-z_0-9]\", "
                            "\"amount\": %15[0-9.], \"type\": \"%15[a-z]\", "
                            "\"timestamp\": \"2025-12-26 21:16:18\", \"location\": \"%15[a-z]\"}",
                            id, user, amount, type, location),
                     5, "%s", message.value);
        value = strtod(amount, NULL);
        cr_assert(value >= 10 && value <= 1000);
        /* Python: the shortest digits, at least one decimal. */
        snprintf(expected, sizeof(expected), "%.15g", value);
        if (!strchr(expected, '.'))
            strcat(expected, ".0");
        cr_assert_str_eq(amount, expected);
        snprintf(expected, sizeof(expected), "%04d", i);
        cr_assert_str_eq(id, expected);
        cr_assert_str_eq(user, message.key);
        cr_assert_str_eq(type, message.type);
        cr_assert_str_eq(location, message.location);
        cr_assert_eq(strlen(message.value), message.value_bytes);
        cr_assert_eq(strlen(message.key), message.key_bytes);
        int number = atoi(user + 5);
        cr_assert(number >= 1 && number <= 50);
    }
}

Test(lab, the_same_seed_gives_the_same_messages)
{
    struct lab a, b;
    struct lab_message left, right;
    bool differs = false;
    lab_init(&a, 7, 100);
    lab_init(&b, 7, 100);
    for (int i = 0; i < 100; i++) {
        lab_next(&a, time_ms, &left);
        lab_next(&b, time_ms, &right);
        cr_assert_str_eq(left.value, right.value);
    }
    lab_init(&b, 8, 100);
    lab_next(&b, time_ms, &right);
    lab_init(&a, 7, 100);
    lab_next(&a, time_ms, &left);
    differs = strcmp(left.value, right.value) != 0;
    cr_expect(differs);
}

Test(lab, uses_every_kind_and_user)
{
    struct lab lab;
    struct lab_message message;
    bool users[8] = {false};
    int stores = 0, purchases = 0, withdrawals = 0;
    lab_init(&lab, 3, 7);
    for (int i = 0; i < 3000; i++) {
        lab_next(&lab, time_ms, &message);
        users[atoi(message.key + 5)] = true;
        stores += strcmp(message.location, "store") == 0;
        purchases += strcmp(message.type, "purchase") == 0;
        withdrawals += strcmp(message.type, "withdrawal") == 0;
    }
    for (int u = 1; u <= 7; u++)
        cr_expect(users[u]);
    cr_expect(stores > 1350 && stores < 1650);
    cr_expect(purchases > 850 && purchases < 1150);
    cr_expect(withdrawals > 850 && withdrawals < 1150);
}

Test(lab, follows_the_clock)
{
    struct lab lab;
    struct lab_message message;
    lab_init(&lab, 1, 1);
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01 00:00:00"},
        {1709251199999, "2024-02-29 23:59:59"},
        {1709251200000, "2024-03-01 00:00:00"},
        {-1, "1969-12-31 23:59:59"},
        {253402300799000, "9999-12-31 23:59:59"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lab_next(&lab, cases[i].ms, &message);
        cr_expect(strstr(message.value, cases[i].text) != NULL, "%s", message.value);
    }
}

Test(lab, prints_the_line_of_the_lab)
{
    struct lab_message message = {
        .number = 0, .type = "purchase", .location = "online", .amount_cents = 12345};
    char line[LAB_LINE_MAX];
    size_t n = lab_line(&message, line);
    cr_expect_str_eq(line, "[0] purchase: $123.45 (online)");
    cr_expect_eq(n, strlen(line));
    message.number = 12345;
    message.amount_cents = 70200;
    lab_line(&message, line);
    cr_expect_str_eq(line, "[12345] purchase: $702.00 (online)");
}

Test(lab, reads_start_times)
{
    int64_t ms;
    cr_expect(lab_parse_time(STR("2025-12-26 21:16:18"), &ms));
    cr_expect_eq(ms, time_ms);
    cr_expect(lab_parse_time(STR("2025-12-26T21:16:18.250Z"), &ms));
    cr_expect_eq(ms, time_ms + 250);
    cr_expect(lab_parse_time(STR("2024-02-29"), &ms));
    cr_expect_eq(ms, 1709164800000);
    static const char *const wrong[] = {
        "",
        "2025",
        "2025-13-01",
        "2025-02-29",
        "now",
        "2025-1-1",
        "2025-12-26 24:00:00",
        "2025-12-26 21:16",
        "2025-00-10",
        "2025-12-26 21:16:18 CET",
        "2025-12-26 21:16:60",
        "2025-12-26 21:16:18.25",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_expect_not(lab_parse_time(str_of(wrong[i]), &ms), "%s", wrong[i]);
}
