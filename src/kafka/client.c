#define _GNU_SOURCE /* pthread_clockjoin_np */
#include "kafka/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, bool secret,
                    struct err *err)
{
    char text[512];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
        return 0;
    /* The client's words may repeat the value. */
    return err_set(err, ERR_INVALID, "kafka.%s: %s", name, secret ? "not a valid value" : text);
}

static int conf_set_option(rd_kafka_conf_t *conf, const struct plan_option *option, struct err *err)
{
    char *name = strndup(option->key.n ? option->key.p : "", option->key.n);
    char *value = strndup(option->value.n ? option->value.p : "", option->value.n);
    int rc = name && value ? conf_set(conf, name, value, option->secret, err)
                           : err_set(err, ERR_NOMEM, "no memory for the Kafka options");
    free(name);
    free(value);
    return rc;
}

static bool is_owned(struct str name, const struct kafka_setting *owned, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(name, owned[i].name))
            return true;
    return false;
}

rd_kafka_conf_t *kafka_conf_create(const struct kafka_setting *defaults, size_t default_count,
                                   const struct plan_option *options, uint32_t option_count,
                                   const struct kafka_setting *owned, size_t owned_count,
                                   struct err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < default_count; i++)
        if (conf_set(conf, defaults[i].name, defaults[i].value, false, err))
            goto fail;
    for (uint32_t i = 0; i < option_count; i++)
        if (!is_owned(options[i].key, owned, owned_count) &&
            conf_set_option(conf, &options[i], err))
            goto fail;
    for (size_t i = 0; i < owned_count; i++)
        if (conf_set(conf, owned[i].name, owned[i].value, false, err))
            goto fail;
    return conf;
fail:
    rd_kafka_conf_destroy(conf);
    return NULL;
}

static struct kafka_broker *find_broker(struct kafka_client *client, const char *name)
{
    for (size_t i = 0; i < client->broker_count; i++)
        if (strcmp(client->brokers[i].name, name) == 0)
            return &client->brokers[i];
    struct kafka_broker *grown =
        realloc(client->brokers, (client->broker_count + 1) * sizeof(*grown));
    if (!grown)
        return NULL; /* this connection goes uncounted */
    client->brokers = grown;
    struct kafka_broker *broker = &grown[client->broker_count++];
    memset(broker, 0, sizeof(*broker));
    snprintf(broker->name, sizeof(broker->name), "%s", name);
    return broker;
}

/* On librdkafka's threads. Its public interface has no other way to learn that a broker is back. */
static rd_kafka_resp_err_t on_broker_state(rd_kafka_t *rk, int32_t broker_id, const char *secproto,
                                           const char *name, int port, const char *state,
                                           void *opaque)
{
    (void)rk;
    (void)broker_id;
    struct kafka_client *client = opaque;
    char key[sizeof(client->brokers->name)];
    snprintf(key, sizeof(key), "%s %s:%d", secproto, name, port);
    bool up = strcmp(state, "UP") == 0 || strcmp(state, "UPDATE") == 0;
    bool changed = false;

    pthread_mutex_lock(&client->mutex);
    struct kafka_broker *broker = find_broker(client, key);
    if (broker && broker->up != up) {
        broker->up = up;
        changed = true;
        if (up) {
            atomic_fetch_add(&client->epoch, 1);
            atomic_fetch_add(&client->up_count, 1);
        } else {
            atomic_fetch_sub(&client->up_count, 1);
        }
    }
    pthread_mutex_unlock(&client->mutex);
    if (changed && client->wake_fd >= 0) {
        ssize_t ignored = write(client->wake_fd, "s", 1); /* a full pipe wakes as well */
        (void)ignored;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque,
                                  char *text, size_t text_size)
{
    (void)conf;
    (void)text;
    (void)text_size;
    return rd_kafka_interceptor_add_on_broker_state_change(rk, "sluice", on_broker_state, opaque);
}

char *kafka_client_property(const struct kafka_client *client, const char *name)
{
    const rd_kafka_conf_t *conf = rd_kafka_conf(client->rk);
    size_t size = 0;
    if (rd_kafka_conf_get(conf, name, NULL, &size) != RD_KAFKA_CONF_OK || size == 0)
        return calloc(1, 1);
    char *value = calloc(1, size);
    if (value)
        rd_kafka_conf_get(conf, name, value, &size);
    return value;
}

/* Kerberos takes a user name that is set for its own, even an empty one: hands off there. */
static void init_wake_brokers(struct kafka_client *client)
{
    char *protocol = kafka_client_property(client, "security.protocol");
    char *mechanism = kafka_client_property(client, "sasl.mechanisms");
    client->username = kafka_client_property(client, "sasl.username");
    client->password = kafka_client_property(client, "sasl.password");
    if (protocol && mechanism && client->username && client->password)
        client->can_wake_brokers =
            strncmp(protocol, "sasl", 4) != 0 || strcmp(mechanism, "GSSAPI") != 0;
    free(protocol);
    free(mechanism);
}

void kafka_client_wake_brokers(struct kafka_client *client)
{
    if (!client->can_wake_brokers)
        return;
    rd_kafka_error_t *error =
        rd_kafka_sasl_set_credentials(client->rk, client->username, client->password);
    if (error)
        rd_kafka_error_destroy(error);
}

int kafka_client_init(struct kafka_client *client, rd_kafka_type_t type, rd_kafka_conf_t *take_conf,
                      int events, struct err *err)
{
    char text[512];
    client->rk = NULL;
    client->events = NULL;
    client->brokers = NULL;
    client->broker_count = 0;
    client->username = client->password = NULL;
    client->can_wake_brokers = false;
    client->trouble.condition = KAFKA_NONE;
    atomic_init(&client->up_count, 0);
    atomic_init(&client->epoch, 0);
    pthread_mutex_init(&client->mutex, NULL);

    rd_kafka_conf_set_events(take_conf, RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_ERROR | events);
    rd_kafka_conf_interceptor_add_on_new(take_conf, "sluice", on_new, client);
    if (conf_set(take_conf, "log.queue", "true", false, err)) {
        rd_kafka_conf_destroy(take_conf);
        goto fail;
    }
    client->rk = rd_kafka_new(type, take_conf, text, sizeof(text));
    if (!client->rk) {
        /* The configuration stays allocated: a failed rd_kafka_new of 2.0.2 has freed its
         * interceptors already, and destroying it frees them again. */
        err_set(err, ERR_INVALID, "the Kafka client does not start: %s", text);
        goto fail;
    }
    if (type == RD_KAFKA_CONSUMER) {
        rd_kafka_poll_set_consumer(client->rk);
        client->events = rd_kafka_queue_get_consumer(client->rk);
    } else {
        client->events = rd_kafka_queue_get_main(client->rk);
    }
    rd_kafka_set_log_queue(client->rk, client->events);
    init_wake_brokers(client);
    return 0;
fail:
    pthread_mutex_destroy(&client->mutex);
    free(client->brokers);
    return err ? err->code : ERR_INVALID;
}

void kafka_client_detach(struct kafka_client *client)
{
    rd_kafka_queue_io_event_enable(client->events, -1, NULL, 0);
    rd_kafka_queue_destroy(client->events);
    client->events = NULL;
}

static void *destroy(void *rk)
{
    /* Leaving the group is not ours to do: partitions are assigned, the group is never joined. */
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return NULL;
}

bool kafka_client_destroy(struct kafka_client *client)
{
    enum { DESTROY_S_MAX = 2 };
    pthread_t thread;
    struct timespec until;
    /* 2.0.2 waits forever for a thread of its own when a partition's topic has been deleted, or its
     * leader is down while another broker is up. */
    if (pthread_create(&thread, NULL, destroy, client->rk) != 0) {
        destroy(client->rk);
    } else {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += DESTROY_S_MAX;
        if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) != 0) {
            pthread_detach(thread);
            return false;
        }
    }
    client->rk = NULL;
    return true;
}

void kafka_client_fini(struct kafka_client *client)
{
    REQUIRE(!client->rk);
    pthread_mutex_destroy(&client->mutex);
    free(client->brokers);
    free(client->username);
    free(client->password);
}

void kafka_trouble_set(struct kafka_trouble *trouble, enum kafka_condition condition,
                       const char *text)
{
    trouble->condition = condition;
    snprintf(trouble->text, sizeof(trouble->text), "%s", text ? text : "");
    for (char *p = trouble->text; *p; p++)
        if ((unsigned char)*p < 0x20)
            *p = ' ';
}

static void note_error(struct kafka_client *client, rd_kafka_event_t *event)
{
    enum kafka_condition condition = kafka_condition_of(rd_kafka_event_error(event));
    if (rd_kafka_event_error_is_fatal(event))
        condition = KAFKA_FATAL;
    /* A single connection that breaks while another is up needs no more than its log line. */
    if (condition == KAFKA_TRANSIENT && kafka_client_connected(client))
        return;
    /* "All brokers are down" says less than the reason that came before it. */
    bool known = kafka_client_trouble(client) && client->trouble.text[0];
    if (known && (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
                  client->trouble.condition == KAFKA_FATAL))
        return;
    kafka_trouble_set(&client->trouble, condition, rd_kafka_event_error_string(event));
    client->trouble_epoch = atomic_load(&client->epoch);
}

void kafka_client_on_event(struct kafka_client *client, rd_kafka_event_t *event)
{
    const char *facility, *text;
    int level;
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_LOG:
        if (client->log && rd_kafka_event_log(event, &facility, &text, &level) == 0)
            client->log(client->user, level, text);
        break;
    case RD_KAFKA_EVENT_ERROR:
        note_error(client, event);
        break;
    default:
        break;
    }
}

bool kafka_client_connected(const struct kafka_client *client)
{
    return atomic_load(&client->up_count) > 0;
}

const struct kafka_trouble *kafka_client_trouble(const struct kafka_client *client)
{
    if (client->trouble.condition == KAFKA_NONE)
        return NULL;
    if (client->trouble.condition == KAFKA_FATAL)
        return &client->trouble;
    /* A connection that came up later has settled it. */
    return client->trouble_epoch == atomic_load(&client->epoch) ? &client->trouble : NULL;
}
