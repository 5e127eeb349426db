#include "store/place.h"

#include <stdlib.h>

#include "plan/location.h"
#include "store/local_fs.h"
#include "store/s3.h"
#include "store/s3_client.h"

static const char *environment(void *user, const char *name)
{
    (void)user;
    return getenv(name);
}

static int open_client(struct store_places *places, struct err *err)
{
    const struct plan_s3 *plan = places->s3;
    struct s3_options options = {.endpoint = plan->endpoint,
                                 .region = plan->region,
                                 .access_key_id = plan->access_key_id,
                                 .secret_access_key = plan->secret_access_key,
                                 .session_token = plan->session_token,
                                 .ca_file = plan->ca_file,
                                 .path_style = plan->path_style,
                                 .insecure_tls = plan->insecure_tls,
                                 .lookup = environment,
                                 .notice = places->notice,
                                 .notice_user = places->user};
    if (places->client)
        return 0;
    int code = s3_global_init(err);
    if (code)
        return code;
    code = s3_client_create(&places->client, places->loop, &options, err);
    if (code)
        s3_global_fini();
    return code ? err_prefix(err, "s3") : 0;
}

int store_at(struct store_places *places, struct str place, struct store **out, struct err *err)
{
    struct str bucket, prefix;
    if (!plan_location_is_s3(place))
        return local_store_create(out, places->loop, place,
                                  places->os ? places->os : &local_os_system, err);
    int code = open_client(places, err);
    if (code)
        return code;
    if (!s3_location_parse(place, &bucket, &prefix))
        return err_set(err, ERR_INVALID, "%.*s is not s3://bucket/prefix", STR_ARG(place));
    return store_s3_create(out, places->client, bucket, prefix, err);
}

static void on_closed(void *user)
{
    struct store_places *places = user;
    places->client = NULL;
    s3_global_fini();
    places->closed(places->closed_user);
}

void store_places_close(struct store_places *places, void (*closed)(void *user), void *user)
{
    places->closed = closed;
    places->closed_user = user;
    if (places->client)
        s3_client_close(places->client, on_closed, places);
    else
        closed(user);
}
