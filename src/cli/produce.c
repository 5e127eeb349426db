#include "cli/produce.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "cli/args.h"
#include "kafka/lab.h"
#include "kafka/producer.h"

enum {
    CONNECT_MS_MAX = 10000, /* to the first broker */
    FLUSH_MS_MAX = 35000,   /* beyond librdkafka's message.timeout.ms, which reports by then */
    WAIT_MS_MAX = 50,       /* how late a signal is seen */
    BURST = 2000,           /* messages between two looks at signals and failures */
    LINES_PER_SECOND_MAX = 50,
};

struct produce {
    /* options */
    const char *brokers, *topic, *start_time;
    int64_t count; /* 0: endless */
    int64_t interval_ms, users, seed;
    double rate; /* per second; 0: by interval_ms */

    struct kafka_producer *producer;
    struct lab lab;
    double period_ns;      /* between two messages */
    int64_t first_time_ms; /* of the first message; -1: the clock's */
    int64_t start_ns;
    uint64_t sent;
    struct lab_message message; /* made, and waiting when the queue is full */
    bool waiting;
    bool quiet; /* too fast for a line per message */
    sigset_t signals;
    uint32_t signal_count;

    bool tty;
    int64_t progress_ns; /* of the last progress line */
    uint64_t progress_delivered;
    bool progress_open; /* a progress line without its line feed */
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool stopped(struct produce *self)
{
    static const struct timespec at_once = {0};
    while (sigtimedwait(&self->signals, NULL, &at_once) > 0)
        self->signal_count++;
    return self->signal_count > 0;
}

/* --- what people see --- */

static void end_progress(struct produce *self)
{
    if (self->progress_open)
        fputc('\n', stderr);
    self->progress_open = false;
}

static void report(struct produce *self, const char *text)
{
    end_progress(self);
    fprintf(stderr, "sluice produce: %s\n", text);
}

/* 75 → 1:15; 3700 → 1:01:40 */
static void put_seconds(char *out, size_t size, double seconds)
{
    int64_t s = (int64_t)(seconds + 0.5);
    if (s >= 3600)
        snprintf(out, size, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
    else
        snprintf(out, size, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

static void progress(struct produce *self)
{
    int64_t now = clock_ns(CLOCK_MONOTONIC);
    double pause_s = (double)(now - self->progress_ns) / 1e9;
    if (!self->quiet || now - self->start_ns < 1900000000 || pause_s < (self->tty ? 1 : 5))
        return;
    struct kafka_producer_counts counts;
    kafka_producer_counts(self->producer, &counts);
    double rate = (double)(counts.delivered - self->progress_delivered) / pause_s;
    char line[160], eta[24] = "";
    int n = snprintf(line, sizeof(line), "%" PRIu64, counts.delivered);
    if (self->count > 0 && rate > 0) {
        put_seconds(eta, sizeof(eta), (double)((uint64_t)self->count - counts.delivered) / rate);
        snprintf(line + n, sizeof(line) - (size_t)n,
                 " of %" PRId64 " messages (%.0f %%), %.0f/s, ETA %s", self->count,
                 100.0 * (double)counts.delivered / (double)self->count, rate, eta);
    } else {
        snprintf(line + n, sizeof(line) - (size_t)n, " messages, %.0f/s", rate);
    }
    fprintf(stderr, self->tty ? "\r%s\033[K" : "%s\n", line);
    self->progress_open = self->tty;
    self->progress_ns = now;
    self->progress_delivered = counts.delivered;
}

static void summary(struct produce *self)
{
    struct kafka_producer_counts counts;
    kafka_producer_counts(self->producer, &counts);
    double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - self->start_ns) / 1e9;
    end_progress(self);
    fprintf(stderr, "%" PRIu64 " messages to topic %s in %.1f s (%.0f/s)\n", counts.delivered,
            self->topic, seconds, seconds > 0 ? (double)counts.delivered / seconds : 0);
}

static void print_message(struct produce *self)
{
    char line[LAB_LINE_MAX];
    lab_line(&self->message, line);
    puts(line);
    fflush(stdout);
}

static void on_log(void *user, int level, const char *text)
{
    if (level <= 3)
        report(user, text);
}

/* --- failures --- */

static int fail(struct produce *self, const char *what, const char *why)
{
    end_progress(self);
    fprintf(stderr, "sluice produce: %s%s%s\n", what, why ? ": " : "", why ? why : "");
    return 1;
}

static int fail_delivery(struct produce *self)
{
    const struct kafka_trouble *failure = kafka_producer_failure(self->producer);
    struct kafka_producer_counts counts;
    kafka_producer_counts(self->producer, &counts);
    char what[400];
    if (failure->condition == KAFKA_UNKNOWN_TOPIC)
        snprintf(what, sizeof(what),
                 "topic %s does not exist and the broker does not create it; create it first",
                 self->topic);
    else
        snprintf(what, sizeof(what),
                 "%" PRIu64 " of %" PRIu64 " messages could not be delivered to topic %s",
                 counts.failed, counts.sent, self->topic);
    return fail(self, what, failure->text);
}

/* --- sending --- */

/* Waits for a broker, so that nothing is printed as sent that has nowhere to go. 0, 1, or -1 when
 * a signal ended the wait. */
static int connect_first(struct produce *self)
{
    int64_t deadline = clock_ns(CLOCK_MONOTONIC) + CONNECT_MS_MAX * 1000000LL;
    while (!kafka_producer_connected(self->producer)) {
        kafka_producer_poll(self->producer, 10);
        const struct kafka_trouble *trouble = kafka_producer_trouble(self->producer);
        bool hopeless = trouble && trouble->condition == KAFKA_DENIED;
        if (hopeless || clock_ns(CLOCK_MONOTONIC) > deadline) {
            char what[400];
            snprintf(what, sizeof(what), "no connection to %s%s", self->brokers,
                     hopeless ? "" : " within 10 s");
            return fail(self, what, trouble ? trouble->text : NULL);
        }
        if (stopped(self))
            return -1;
    }
    return 0;
}

static void make_message(struct produce *self)
{
    int64_t time_ms =
        self->first_time_ms >= 0
            ? self->first_time_ms + (int64_t)((double)self->sent * self->period_ns / 1e6)
            : clock_ns(CLOCK_REALTIME) / 1000000;
    lab_next(&self->lab, time_ms, &self->message);
    self->waiting = true;
}

/* Sends what is due, a burst at most. 0, ERR_AGAIN when the queue is full, or another error. */
static int send_due(struct produce *self, struct err *err)
{
    double elapsed_ns = (double)(clock_ns(CLOCK_MONOTONIC) - self->start_ns);
    uint64_t due = (uint64_t)(elapsed_ns / self->period_ns) + 1;
    if (self->count > 0 && due > (uint64_t)self->count)
        due = (uint64_t)self->count;
    if (due > self->sent + BURST)
        due = self->sent + BURST;
    while (self->sent < due) {
        if (!self->waiting)
            make_message(self);
        struct str key = {self->message.key, self->message.key_bytes};
        struct str value = {self->message.value, self->message.value_bytes};
        int rc = kafka_producer_send(self->producer, -1, key, value, 0, err);
        if (rc)
            return rc;
        self->waiting = false;
        self->sent++;
        if (!self->quiet)
            print_message(self);
    }
    return 0;
}

/* Until the next message is due, or for a moment: whatever is shorter. */
static void wait_due(struct produce *self)
{
    double due_ns = (double)self->sent * self->period_ns;
    double left_ns = due_ns - (double)(clock_ns(CLOCK_MONOTONIC) - self->start_ns);
    if (left_ns <= 0) {
        kafka_producer_poll(self->producer, 0);
        return;
    }
    int whole_ms = left_ns < WAIT_MS_MAX * 1e6 ? (int)(left_ns / 1e6) : WAIT_MS_MAX;
    kafka_producer_poll(self->producer, whole_ms);
    if (whole_ms == 0) {
        struct timespec rest = {.tv_nsec = (long)left_ns};
        nanosleep(&rest, NULL);
    }
}

static int flush(struct produce *self)
{
    struct err err;
    int64_t deadline = clock_ns(CLOCK_MONOTONIC) + FLUSH_MS_MAX * 1000000LL;
    uint32_t signals = self->signal_count;
    int rc;
    while ((rc = kafka_producer_flush(self->producer, 200, &err)) == ERR_AGAIN) {
        progress(self);
        stopped(self);
        if (self->signal_count > signals && signals > 0)
            return fail(self, "stopped at once; some messages were not delivered", NULL);
        signals = self->signal_count;
        if (clock_ns(CLOCK_MONOTONIC) > deadline)
            return fail(self, err.msg, NULL);
    }
    return rc ? fail_delivery(self) : 0;
}

static int send_all(struct produce *self)
{
    struct err err;
    self->start_ns = self->progress_ns = clock_ns(CLOCK_MONOTONIC);
    while ((self->count == 0 || self->sent < (uint64_t)self->count) && !stopped(self)) {
        int rc = send_due(self, &err);
        if (rc == ERR_AGAIN)
            kafka_producer_poll(self->producer, 5);
        else if (rc)
            return fail(self, err.msg, NULL);
        else
            wait_due(self);
        if (kafka_producer_failure(self->producer))
            return fail_delivery(self);
        progress(self);
    }
    int rc = flush(self);
    if (rc == 0)
        summary(self);
    return rc;
}

static int run(struct produce *self)
{
    struct err err;
    struct plan_option client[] = {
        {.key = STR("bootstrap.servers"), .value = str_of(self->brokers)},
    };
    struct kafka_producer_options options = {
        .client = client, .client_count = COUNT_OF(client), .log = on_log, .user = self};
    if (kafka_producer_create(&self->producer, self->topic, &options, &err))
        return fail(self, err.msg, NULL);
    lab_init(&self->lab, (uint64_t)self->seed, (uint32_t)self->users);
    self->tty = isatty(STDERR_FILENO);
    int rc = connect_first(self);
    if (rc == 0)
        rc = send_all(self);
    kafka_producer_destroy(self->producer);
    return rc < 0 ? 0 : rc;
}

/* --- command line --- */

enum { OPTIONS = 8 };

static void list_options(struct produce *self, bool *interval, bool *rate, bool *seed,
                         struct arg_option out[OPTIONS])
{
    struct arg_option options[OPTIONS] = {
        {"--brokers", ARG_STRING, &self->brokers, "HOST:PORT,...",
         "brokers to start from (localhost:9092)", NULL},
        {"--topic", ARG_STRING, &self->topic, "NAME", "topic (real-time-transactions)", NULL},
        {"--count", ARG_COUNT, &self->count, "N", "messages to send (endless)", NULL},
        {"--interval", ARG_DURATION, &self->interval_ms, "TIME", "time between messages (2s)",
         interval},
        {"--rate", ARG_RATE, &self->rate, "N", "messages per second, instead of --interval", rate},
        {"--users", ARG_COUNT, &self->users, "N", "different users, and so keys (100)", NULL},
        {"--seed", ARG_I64, &self->seed, "N", "the same seed gives the same messages (random)",
         seed},
        {"--start-time", ARG_STRING, &self->start_time, "TS",
         "timestamp of the first message, UTC, as \"2025-12-26 21:16:18\"; later ones advance as "
         "they are due (now)",
         NULL},
    };
    memcpy(out, options, sizeof(options));
}

static int check(struct produce *self, bool interval, bool rate, bool seed, struct err *err)
{
    if (interval && rate)
        return err_set(err, ERR_INVALID, "give --interval or --rate, not both");
    if (self->users > UINT32_MAX)
        return err_set(err, ERR_INVALID, "--users: at most %" PRIu32, UINT32_MAX);
    self->first_time_ms = -1;
    if (self->start_time && (!lab_parse_time(str_of(self->start_time), &self->first_time_ms) ||
                             self->first_time_ms < 0))
        return err_set(err, ERR_INVALID,
                       "--start-time: expected a UTC time from 1970 on, such as "
                       "\"2025-12-26 21:16:18\", found \"%s\"",
                       self->start_time);
    self->period_ns = rate ? 1e9 / self->rate : (double)self->interval_ms * 1e6;
    self->quiet = self->period_ns < 1e9 / LINES_PER_SECOND_MAX;
    if (!seed && getrandom(&self->seed, sizeof(self->seed), 0) != sizeof(self->seed))
        self->seed = clock_ns(CLOCK_REALTIME);
    return 0;
}

int cli_produce(int argc, char **argv)
{
    struct produce self = {
        .brokers = "localhost:9092",
        .topic = "real-time-transactions",
        .interval_ms = 2000,
        .users = 100,
    };
    bool interval = false, rate = false, seed = false;
    struct arg_option options[OPTIONS];
    list_options(&self, &interval, &rate, &seed, options);
    struct arg_spec spec = {
        .command = "sluice produce",
        .summary = "send made-up card transactions to a Kafka topic",
        .options = options,
        .option_count = OPTIONS,
        .epilogue = "Prints a line per message, or above 50 a second a progress line to stderr.\n\n"
                    "Examples:\n"
                    "  sluice produce --count 10 --interval 500ms\n"
                    "  sluice produce --brokers kafka:9092 --rate 200k --count 5m",
    };
    struct err err;
    int rc = args_parse(&spec, argc, argv, NULL, &err);
    if (rc == ARGS_HELP)
        return 0;
    if (rc || check(&self, interval, rate, seed, &err))
        return args_usage_error(&spec, &err);

    sigset_t before;
    sigemptyset(&self.signals);
    sigaddset(&self.signals, SIGINT);
    sigaddset(&self.signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &self.signals, &before);
    rc = run(&self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}
