/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "base/ids.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <string.h>

static const stg_store_driver_t *const drivers[] = {
    &stg_store_memory_driver,
    &stg_store_file_driver,
    &stg_store_s3_driver,
};

enum {
    DRIVERS = sizeof(drivers) / sizeof(drivers[0]),
    RETRY_SECONDS = 5,
    FAN_LENGTH = 2 /* digits of the id in front of the slash */
};

static const stg_store_driver_t *driver_find(const char *url)
{
    for (int i = 0; i < DRIVERS; i++) {
        apr_size_t length = strlen(drivers[i]->scheme);

        if (!strncmp(url, drivers[i]->scheme, length) && url[length] == ':')
            return drivers[i];
    }
    return NULL;
}

static stg_error_t *url_is_unknown(const char *url, apr_pool_t *p)
{
    const char *schemes = "";

    for (int i = 0; i < DRIVERS; i++)
        schemes = apr_pstrcat(p, schemes, i ? ", " : "", drivers[i]->scheme,
                              ":", NULL);
    return stg_raise(p, STG_E_INVALID,
                     "no kind of store has the URL \"%s\": it begins with one "
                     "of %s",
                     url, schemes);
}

static stg_error_t *open_only(stg_store_t **store,
                              const stg_store_config_t *config, apr_pool_t *p)
{
    const stg_store_driver_t *driver = driver_find(config->url);

    if (!driver)
        return url_is_unknown(config->url, p);
    return driver->open(store, config, p);
}

stg_error_t *stg_store_check(const stg_store_config_t *config, apr_pool_t *p)
{
    stg_store_t *store;

    return open_only(&store, config, p);
}

stg_error_t *stg_store_open(stg_store_t **store,
                            const stg_store_config_t *config, apr_pool_t *p)
{
    stg_store_t *opened;

    STG_TRY(open_only(&opened, config, p));
    STG_TRY(opened->driver->prepare(opened, p));
    *store = opened;
    return STG_OK;
}

static int name_is_valid(const char *name)
{
    for (const char *c = name; *c; c++) {
        if (!apr_isalnum(*c) && *c != '-' && *c != '_')
            return 0;
    }
    return *name != '\0';
}

static stg_error_t *option_add(apr_table_t *options, const char *word,
                               apr_pool_t *p)
{
    const char *equals = strchr(word, '=');
    const char *name;

    if (!equals || equals == word)
        return stg_raise(p, STG_E_INVALID,
                         "a store option is written name=value, not \"%s\"",
                         word);
    name = apr_pstrmemdup(p, word, equals - word);
    if (apr_table_get(options, name))
        return stg_raise(p, STG_E_INVALID, "the store option %s stands twice",
                         name);
    apr_table_set(options, name, equals + 1);
    return STG_OK;
}

stg_error_t *stg_store_config_parse(stg_store_config_t **config,
                                    const char *const *words, int count,
                                    apr_pool_t *p)
{
    stg_store_config_t *made = apr_pcalloc(p, sizeof(*made));
    apr_table_t *options = apr_table_make(p, 4);

    if (count < 2)
        return stg_raise(p, STG_E_INVALID, "a store needs a name and a URL");
    if (!name_is_valid(words[0]))
        return stg_raise(p, STG_E_INVALID,
                         "the name of a store has only letters, digits, - and "
                         "_, not \"%s\"",
                         words[0]);
    if (!driver_find(words[1]))
        return url_is_unknown(words[1], p);
    for (int i = 2; i < count; i++)
        STG_TRY(option_add(options, words[i], p));
    made->name = apr_pstrdup(p, words[0]);
    made->url = apr_pstrdup(p, words[1]);
    made->options = options;
    *config = made;
    return STG_OK;
}

stg_error_t *stg_store_options_check(const stg_store_config_t *config,
                                     const char *const *known, apr_pool_t *p)
{
    const apr_array_header_t *options = apr_table_elts(config->options);

    for (int i = 0; i < options->nelts; i++) {
        const char *name = APR_ARRAY_IDX(options, i, apr_table_entry_t).key;
        const char *const *k = known;

        while (*k && strcmp(*k, name))
            k++;
        if (!*k)
            return stg_raise(p, STG_E_INVALID,
                             "the store %s has no option \"%s\"", config->url,
                             name);
    }
    return STG_OK;
}

const char *stg_store_key(const char *object_id, apr_pool_t *p)
{
    return apr_psprintf(p, "%.*s/%s", FAN_LENGTH, object_id, object_id);
}

static int key_is_ours(const char *key)
{
    return strlen(key) > FAN_LENGTH && key[FAN_LENGTH] == '/' &&
           stg_uuid_is_valid(key + FAN_LENGTH + 1) &&
           !strncmp(key, key + FAN_LENGTH + 1, FAN_LENGTH);
}

const char *stg_store_key_id(const char *key, apr_pool_t *p)
{
    return key_is_ours(key) ? apr_pstrdup(p, key + FAN_LENGTH + 1) : NULL;
}

stg_error_t *stg_store_key_check(const char *key, apr_pool_t *p)
{
    if (key_is_ours(key))
        return STG_OK;
    return stg_because(
        stg_raise(p, STG_E_INTERNAL, "the object has no valid place"), p,
        "\"%s\" is no key of ours", key);
}

static stg_error_t *not_whole(const char *what, int number, apr_pool_t *p)
{
    return stg_because(
        stg_raise(p, STG_E_STORE_FAILED, "the parts do not make up the object"),
        p, "%s %d", what, number);
}

stg_error_t *stg_store_parts_check(const stg_store_t *store,
                                   const stg_unfinished_t *what, apr_pool_t *p)
{
    apr_off_t end = 0;
    int number = 0;

    if (!what->parts)
        return STG_OK;
    for (int i = 0; i < what->part_count; i++) {
        const stg_stored_part_t *part = &what->parts[i];

        if (part->number <= number)
            return not_whole("number of part", part->number, p);
        if (part->first != end || part->size <= 0 ||
            (part->size < store->least_part && i < what->part_count - 1))
            return not_whole("place of part", part->number, p);
        number = part->number;
        end += part->size;
    }
    if (what->part_count <= 0 || end != what->size)
        return not_whole("size of all parts, in number", what->part_count, p);
    return STG_OK;
}

stg_store_t *stg_stores_find(const stg_stores_t *stores, const char *name)
{
    for (int i = 0; i < stores->count; i++) {
        if (!strcmp(stores->list[i]->name, name))
            return stores->list[i];
    }
    return NULL;
}

stg_stores_t stg_stores_stoppable(const stg_stores_t *stores,
                                  const int *is_stopping, apr_pool_t *p)
{
    stg_stores_t made = {.count = stores->count};

    made.list = apr_palloc(p, (made.count + 1) * sizeof(*made.list));
    for (int i = 0; i < made.count; i++)
        made.list[i] =
            stores->list[i]->driver->stoppable(stores->list[i], is_stopping, p);
    return made;
}

/* A ping may be the call that finds it back, and costs least if it does not.
 */
stg_error_t *stg_store_admit(stg_store_t *store, apr_pool_t *p)
{
    stg_error_t *err = STG_OK;

    if (store->driver->is_down(store))
        err = store->driver->ping(store, p);
    if (!store->driver->is_down(store))
        return STG_OK;
    err = stg_because(stg_raise(p, STG_E_BUSY,
                                "the store does not answer: try again in a "
                                "moment"),
                      p, "%s", err ? stg_error_text(err, p) : store->name);
    err->retry_after = RETRY_SECONDS;
    return err;
}

int stg_store_is_never_down(stg_store_t *store)
{
    (void)store;
    return 0;
}

stg_store_t *stg_store_as_it_is(stg_store_t *store, const int *is_stopping,
                                apr_pool_t *p)
{
    (void)is_stopping;
    (void)p;
    return store;
}

stg_error_t *stg_store_parts_are_durable(stg_store_t *store,
                                         const stg_unfinished_t *what,
                                         int segment, apr_pool_t *p)
{
    (void)store;
    (void)what;
    (void)segment;
    (void)p;
    return STG_OK;
}
