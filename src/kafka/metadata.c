/* metadata.c: which partitions there are (admin.h). */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "base/buf.h"
#include "kafka/call.h"

struct metadata_call {
    struct kafka_call call;
    const char **topics;
    uint32_t topic_count;
    pcre2_code *pattern;   /* instead of topics */
    struct buf partitions; /* struct kafka_partition_info */
    struct buf troubles;   /* struct kafka_topic_trouble */
    kafka_metadata_done done;
};

static void metadata_destroy(struct metadata_call *asked)
{
    pcre2_code_free(asked->pattern);
    buf_fini(&asked->partitions);
    buf_fini(&asked->troubles);
    kafka_call_fini(&asked->call);
    free(asked);
}

static void add_trouble(struct metadata_call *asked, struct str topic, rd_kafka_resp_err_t error)
{
    struct kafka_topic_trouble trouble = {
        .topic = topic,
        .condition = kafka_condition_of(error),
        .text = rd_kafka_err2str(error),
    };
    buf_append(&asked->troubles, &trouble, sizeof(trouble));
}

static void add_topic(struct metadata_call *asked, const rd_kafka_metadata_topic_t *topic)
{
    struct str name = arena_str(&asked->call.arena, str_of(topic->topic));
    if (!name.p) {
        asked->partitions.failed = true;
        return;
    }
    if (topic->err || topic->partition_cnt == 0) {
        add_trouble(asked, name, topic->err ? topic->err : RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
        return;
    }
    for (int i = 0; i < topic->partition_cnt; i++) {
        const rd_kafka_metadata_partition_t *partition = &topic->partitions[i];
        struct kafka_partition_info info = {
            .topic = name,
            .partition = partition->id,
            .has_leader = partition->leader >= 0,
        };
        buf_append(&asked->partitions, &info, sizeof(info));
    }
}

static int compare_partitions(const void *a, const void *b)
{
    const struct kafka_partition_info *left = a, *right = b;
    int order = str_cmp(left->topic, right->topic);
    if (order)
        return order;
    return (left->partition > right->partition) - (left->partition < right->partition);
}

static void ask_topics(struct metadata_call *asked)
{
    struct kafka_call *call = &asked->call;
    for (uint32_t i = 0; i < asked->topic_count; i++) {
        const rd_kafka_metadata_t *metadata;
        if (lane_stopping(call->consumer->lane)) {
            kafka_call_fail(call, RD_KAFKA_RESP_ERR__DESTROY, "asking for topics");
            return;
        }
        rd_kafka_resp_err_t error = kafka_call_topic_metadata(call, asked->topics[i], &metadata);
        if (error && !kafka_call_is_connection_error(error)) {
            add_trouble(asked, str_of(asked->topics[i]), error);
            continue;
        }
        if (error) {
            kafka_call_fail(call, error, "asking for topics");
            return;
        }
        for (int t = 0; t < metadata->topic_cnt; t++)
            add_topic(asked, &metadata->topics[t]);
        rd_kafka_metadata_destroy(metadata);
    }
}

static bool is_internal(const char *topic)
{
    return str_is(str_of(topic), "__consumer_offsets") ||
           str_is(str_of(topic), "__transaction_state");
}

/* Fills *matches; a negative pcre2 error (match limit) as it is. */
static int topic_matches(const struct metadata_call *asked, pcre2_match_data *scratch,
                         const char *topic)
{
    int rc =
        pcre2_match(asked->pattern, (PCRE2_SPTR)topic, PCRE2_ZERO_TERMINATED, 0, 0, scratch, NULL);
    return rc >= 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : rc;
}

static void ask_pattern(struct metadata_call *asked)
{
    const rd_kafka_metadata_t *metadata;
    pcre2_match_data *scratch = pcre2_match_data_create_from_pattern(asked->pattern, NULL);
    if (!scratch) {
        kafka_call_fail_memory(&asked->call);
        return;
    }
    rd_kafka_resp_err_t error =
        rd_kafka_metadata(asked->call.consumer->client.rk, 1, NULL, &metadata, CALL_TIMEOUT_MS);
    if (error) {
        kafka_call_fail(&asked->call, error, "asking for all topics");
        pcre2_match_data_free(scratch);
        return;
    }
    for (int t = 0; t < metadata->topic_cnt; t++) {
        const char *topic = metadata->topics[t].topic;
        int match = is_internal(topic) ? 0 : topic_matches(asked, scratch, topic);
        if (match < 0)
            add_trouble(asked, arena_str(&asked->call.arena, str_of(topic)),
                        RD_KAFKA_RESP_ERR__INVALID_ARG);
        else if (match)
            add_topic(asked, &metadata->topics[t]);
    }
    rd_kafka_metadata_destroy(metadata);
    pcre2_match_data_free(scratch);
}

static void metadata_run(struct lane_job *job)
{
    struct metadata_call *asked = CONTAINER_OF(job, struct metadata_call, call.job);
    if (asked->pattern)
        ask_pattern(asked);
    else
        ask_topics(asked);
    if (asked->partitions.failed || asked->troubles.failed)
        kafka_call_fail_memory(&asked->call);
}

static void metadata_done(struct lane_job *job, bool cancelled)
{
    struct metadata_call *asked = CONTAINER_OF(job, struct metadata_call, call.job);
    kafka_call_finish(&asked->call, cancelled);
    struct kafka_metadata metadata = {.answer = asked->call.answer};
    if (metadata.answer.code == 0) {
        size_t count = asked->partitions.n / sizeof(struct kafka_partition_info);
        if (count)
            qsort(asked->partitions.p, count, sizeof(struct kafka_partition_info),
                  compare_partitions);
        metadata.partitions = (const void *)asked->partitions.p;
        metadata.partition_count = (uint32_t)count;
        metadata.troubles = (const void *)asked->troubles.p;
        metadata.trouble_count = (uint32_t)(asked->troubles.n / sizeof(struct kafka_topic_trouble));
    }
    asked->done(asked->call.user, &metadata);
    metadata_destroy(asked);
}

static struct metadata_call *metadata_create(struct kafka_consumer *consumer,
                                             kafka_metadata_done done, void *user)
{
    struct metadata_call *asked = calloc(1, sizeof(*asked));
    if (!asked)
        return NULL;
    kafka_call_init(&asked->call, consumer, user);
    asked->call.job = (struct lane_job){.run = metadata_run, .done = metadata_done};
    asked->done = done;
    return asked;
}

int kafka_admin_topics(struct kafka_consumer *consumer, const struct str *topics, uint32_t count,
                       kafka_metadata_done done, void *user, struct err *err)
{
    REQUIRE(!consumer->closing);
    struct metadata_call *asked = metadata_create(consumer, done, user);
    if (!asked)
        goto fail;
    asked->topics = ARENA_ARRAY(&asked->call.arena, const char *, count);
    if (!asked->topics)
        goto fail;
    for (uint32_t i = 0; i < count; i++)
        if (!(asked->topics[i] = kafka_call_copy(&asked->call, topics[i])))
            goto fail;
    asked->topic_count = count;
    lane_submit(consumer->lane, &asked->call.job);
    return 0;
fail:
    if (asked)
        metadata_destroy(asked);
    return err_set(err, ERR_NOMEM, "no memory to ask for topics");
}

/* As Java's Matcher.matches: the whole name. */
static pcre2_code *compile(struct str pattern, struct err *err)
{
    int code;
    size_t at;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)(pattern.n ? pattern.p : ""), pattern.n,
                      PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &at, NULL);
    if (!compiled) {
        PCRE2_UCHAR text[200];
        pcre2_get_error_message(code, text, sizeof(text));
        err_set(err, ERR_INVALID, "the topic pattern is not a regular expression: %s at byte %zu",
                (const char *)text, at);
    }
    return compiled;
}

int kafka_admin_pattern(struct kafka_consumer *consumer, struct str pattern,
                        kafka_metadata_done done, void *user, struct err *err)
{
    REQUIRE(!consumer->closing);
    pcre2_code *compiled = compile(pattern, err);
    if (!compiled)
        return ERR_INVALID;
    struct metadata_call *asked = metadata_create(consumer, done, user);
    if (!asked) {
        pcre2_code_free(compiled);
        return err_set(err, ERR_NOMEM, "no memory to ask for topics");
    }
    asked->pattern = compiled;
    lane_submit(consumer->lane, &asked->call.job);
    return 0;
}

int kafka_pattern_check(struct str pattern, struct err *err)
{
    pcre2_code *compiled = compile(pattern, err);
    if (!compiled)
        return ERR_INVALID;
    pcre2_code_free(compiled);
    return 0;
}
