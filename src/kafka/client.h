/* client.h: what consumer and producer share: a client's configuration, its log and error events,
 * and whether it is connected. Private to src/kafka. */
#pragma once

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "kafka/condition.h"
#include "plan/plan.h"

struct kafka_setting {
    const char *name, *value;
};

/* A broker connection as librdkafka's threads report it. */
struct kafka_broker {
    char name[160]; /* protocol, host, port */
    bool up;
};

struct kafka_client {
    rd_kafka_t *rk;
    rd_kafka_queue_t *events; /* logs, errors, failed deliveries */
    void (*log)(void *user, int level, const char *text);
    void *user;
    int wake_fd; /* a byte is written when the connection state changes; -1: none */
    struct kafka_trouble trouble;
    uint32_t trouble_epoch; /* value of `epoch` when the trouble was noted */

    pthread_mutex_t mutex; /* guards brokers */
    struct kafka_broker *brokers;
    size_t broker_count;
    atomic_uint up_count; /* brokers that are up */
    atomic_uint epoch;    /* counts connections that came up */

    char *username, *password; /* for kafka_client_wake_brokers */
    bool can_wake_brokers;
};

/* A configuration of `defaults`, then the user's options, then `owned`, which the user cannot
 * change. NULL with the error: ERR_INVALID names a bad option, ERR_NOMEM. */
rd_kafka_conf_t *kafka_conf_create(const struct kafka_setting *defaults, size_t default_count,
                                   const struct plan_option *options, uint32_t option_count,
                                   const struct kafka_setting *owned, size_t owned_count,
                                   struct err *err);

/* Starts the client (all of *client but rk, events and the private rest is set by the caller) with
 * `events` (RD_KAFKA_EVENT_*) beside logs and errors. Takes the configuration, also on failure. The
 * client's address must not change afterwards. */
int kafka_client_init(struct kafka_client *client, rd_kafka_type_t type, rd_kafka_conf_t *take_conf,
                      int events, struct err *err) MUST_CHECK;

/* Gives the queue back, so that the client can be destroyed. The owner's thread. */
void kafka_client_detach(struct kafka_client *client);
/* Ends the client. Blocks for a moment; any thread. False when it did not end within 2 s: then its
 * threads live on until the process ends, and *client must stay where it is. */
bool kafka_client_destroy(struct kafka_client *client);
/* Frees the rest, after kafka_client_destroy succeeded. */
void kafka_client_fini(struct kafka_client *client);

/* The value of a property as the client runs with it; "" when unset, NULL without memory. free it.
 */
char *kafka_client_property(const struct kafka_client *client, const char *name);

/* Makes librdkafka's broker threads look at their partitions now. When the queues of all partitions
 * of a broker are full they sleep for up to a second, whatever is drained meanwhile (2.0.2; later
 * releases have fetch.queue.backoff.ms). Setting the SASL credentials to what they are is the one
 * public call that does nothing else than waking them. Does not block; some microseconds. */
void kafka_client_wake_brokers(struct kafka_client *client);

/* Serves one event: log lines go to the log callback, errors become the trouble. */
void kafka_client_on_event(struct kafka_client *client, rd_kafka_event_t *event);

bool kafka_client_connected(const struct kafka_client *client);
const struct kafka_trouble *kafka_client_trouble(const struct kafka_client *client);

/* Fills a trouble; text is cut to one line. */
void kafka_trouble_set(struct kafka_trouble *trouble, enum kafka_condition condition,
                       const char *text);
