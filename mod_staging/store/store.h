/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_STORE_H
#define STG_STORE_STORE_H

#include "stream/sink.h"

#include <apr_file_io.h>
#include <apr_tables.h>
#include <apr_time.h>

/*
 * Where the bytes of objects are. Drivers: store_memory.c (the reference,
 * for tests), store_file.c, store_s3.c.
 *
 * Keys are made by stg_store_key() from object ids only: relative, ASCII,
 * unguessable, never reused. User names are never part of them.
 *
 * A store may be used by any number of threads at once.
 *
 * Errors: STORE_DOWN (could not be reached; the driver has retried),
 * STORE_FAILED (it refused, or what it holds is not what was sent), NO_SPACE,
 * NOT_FOUND where said.
 */

struct stg_part_buffer_t;

typedef struct stg_store_t stg_store_t;

/* Name, URL and options as in the directive
 *     StagingStore NAME URL [option=value ...]
 * All texts; a driver refuses options that it does not know. */
typedef struct stg_store_config_t {
    const char *name;
    const char *url; /* memory: | file:///dir | s3://bucket/prefix */
    const apr_table_t *options;
    struct stg_part_budget_t *parts; /* common to all stores of a process */
} stg_store_config_t;

/* What close() of an object sink reports. */
typedef struct stg_receipt_t {
    apr_off_t size;
    const char *etag; /* the store's, without quotes; NULL if none */
    int is_finished;  /* 0: all parts are there, finish() is due */
} stg_receipt_t;

/* What an object sink is made for. */
typedef struct stg_object_spec_t {
    const char *key;
    const char *content_type;
    const char *token;      /* ours, kept with the object where possible */
    apr_off_t size;         /* that will come, or close() fails with
                             * STORE_FAILED; -1 if not known */
    apr_off_t least;        /* that will come in any case: a store that has
                             * no room for them may refuse at once */
    stg_receipt_t *receipt; /* filled in by close(), in the sink's pool */

    /* The store has begun something under this id that must be finished or
     * aborted (S3 parts). Called before any part is sent, so that the id is
     * in the database whatever happens next. May be NULL. */
    stg_error_t *(*on_parts_begun)(void *context, const char *parts_id,
                                   apr_pool_t *p);
    void *context;
} stg_object_spec_t;

/* One part of an object that comes over many requests (put_part). */
typedef struct stg_stored_part_t {
    int number;      /* from 1, rising with first; there may be gaps. A last
                      * one smaller than least_part has the highest number
                      * of all that were ever sent: radosgw can do without
                      * parts in between only */
    int segment;     /* raised whenever whoever sent the parts before this one
                      * may still be at work: a late part of his never
                      * replaces one that counts */
    apr_off_t first; /* byte of the object that it begins with */
    apr_off_t size;
    const char *etag; /* the store's, NULL if none */
} stg_stored_part_t;

/* Something that close() left to be finished: as kept in the object row. */
typedef struct stg_unfinished_t {
    const char *key;
    const char *parts_id;
    apr_off_t size;
    const char *etag; /* expected of the whole */
    const char *token;
    const stg_stored_part_t *parts; /* for finish(): of these, in this order,
                                     * is the object; NULL: of all that the
                                     * sink of create() sent */
    int part_count;
    int is_object_kept; /* for remove(): only what is unfinished goes */
} stg_unfinished_t;

/* One thing found by listing. */
typedef struct stg_found_t {
    const char *key;
    const char *parts_id; /* unfinished parts; NULL for files and objects */
    apr_off_t size;       /* -1 if not known */
    const char *etag;     /* NULL if not known */
    apr_time_t modified;  /* 0 if not known */
    int is_temporary;     /* a temporary file or unfinished parts */
} stg_found_t;

/* Keep nothing of found beyond the call. Its error ends the listing. */
typedef stg_error_t *stg_found_fn_t(void *context, const stg_found_t *found,
                                    apr_pool_t *p);

/* A download to be signed. */
typedef struct stg_presign_t {
    const char *method; /* "GET" or "HEAD": a URL is for one method */
    const char *key;
    const char *content_type;
    const char *disposition;
    apr_interval_time_t lifetime;
} stg_presign_t;

/* What a driver implements. No function may be NULL. */
typedef struct stg_store_driver_t {
    const char *scheme; /* "s3", "file", "memory" */

    /* Checks the configuration; touches neither network nor disk. */
    stg_error_t *(*open)(stg_store_t **store, const stg_store_config_t *config,
                         apr_pool_t *p);

    /* Make what is missing, as the user that will use it. */
    stg_error_t *(*prepare)(stg_store_t *store, apr_pool_t *p);

    /* Learn what the store supports, by writing and removing under this key:
     * one line. See stg_object_probe() for whose key it is. */
    stg_error_t *(*probe)(const char **summary, stg_store_t *store,
                          const char *key, apr_pool_t *p);

    /* Is it there? Cheap, for readiness. */
    stg_error_t *(*ping)(stg_store_t *store, apr_pool_t *p);

    /* Has it not answered for a while? Most calls fail at once then. */
    int (*is_down)(stg_store_t *store);

    /* The same store, but calls fail with ENDING when *is_stopping
     * (atomic) turns true, also those under way that wait for others. */
    stg_store_t *(*stoppable)(stg_store_t *store, const int *is_stopping,
                              apr_pool_t *p);

    /* A sink that makes the object appear, whole, when it is closed (and
     * finished, where the receipt says so). */
    stg_error_t *(*create)(stg_sink_t **object, stg_store_t *store,
                           const stg_object_spec_t *spec, apr_pool_t *p);

    /* Begin an object that comes in parts, over many requests and processes.
     * spec->on_parts_begun is called as by create(), and no other than key,
     * content_type and token are looked at besides. */
    stg_error_t *(*begin_parts)(stg_store_t *store,
                                const stg_object_spec_t *spec, apr_pool_t *p);

    /* One of its parts; part->etag is set then, in p. Any number at once. what
     * has key, parts_id and token. NOT_FOUND if the store does not know the
     * parts (any more). */
    stg_error_t *(*put_part)(stg_stored_part_t *part, stg_store_t *store,
                             const stg_unfinished_t *what,
                             const struct stg_part_buffer_t *buffer,
                             apr_pool_t *p);

    /* What was put into this segment is durable when this returns. Fails as
     * put_part does. */
    stg_error_t *(*sync_parts)(stg_store_t *store, const stg_unfinished_t *what,
                               int segment, apr_pool_t *p);

    /* Complete and verify. Safe to repeat, also after a lost answer. Fails
     * with NOT_FOUND if neither the parts nor the object are there. */
    stg_error_t *(*finish)(stg_store_t *store, const stg_unfinished_t *what,
                           apr_pool_t *p);

    /* Fails with NOT_FOUND. */
    stg_error_t *(*head)(stg_found_t *found, stg_store_t *store,
                         const char *key, apr_pool_t *p);

    /* Push bytes [first, first + count) into sink; does not close it. count
     * < 0 means to the end. Fails with NOT_FOUND, and with STORE_FAILED if
     * the object is too short for that. */
    stg_error_t *(*read)(stg_store_t *store, const char *key, apr_off_t first,
                         apr_off_t count, stg_sink_t *sink, apr_pool_t *p);

    /* The object as an open file for sendfile, or *file = NULL if the store
     * has none. Fails with NOT_FOUND. */
    stg_error_t *(*open_file)(apr_file_t **file, stg_store_t *store,
                              const char *key, apr_pool_t *p);

    /* A URL of the store's own, or *url = NULL if it has none. */
    stg_error_t *(*presign)(const char **url, stg_store_t *store,
                            const stg_presign_t *what, apr_pool_t *p);

    /* Remove objects with everything unfinished under their keys, or that
     * alone where is_object_kept: what is not there is removed already.
     * parts_id may be NULL in each; a size of -1 then says that there may be
     * parts whose id nobody knows. When it returns the removal survives a crash
     * of the machine. */
    stg_error_t *(*remove)(stg_store_t *store, const stg_unfinished_t *what,
                           int count, apr_pool_t *p);

    /* Everything there is: objects, then temporary files and unfinished
     * parts. Constant memory. */
    stg_error_t *(*list)(stg_store_t *store, stg_found_fn_t *fn, void *context,
                         apr_pool_t *p);
} stg_store_driver_t;

/* Drivers' stores begin with this. */
struct stg_store_t {
    const stg_store_driver_t *driver;
    const char *name;
    apr_off_t part_size; /* of parts where the size of the whole is not known */
    apr_off_t least_part; /* smallest but the last; 0: any */
    int most_parts;       /* numbers above are refused; 0: none are */
    int parallel;         /* parts of one object that are worth sending at
                           * once; 0: none waits, and what has been put of a
                           * segment side by side is one part */
};

extern const stg_store_driver_t stg_store_memory_driver;
extern const stg_store_driver_t stg_store_file_driver;
extern const stg_store_driver_t stg_store_s3_driver;

/* Would it open? For configtest. INVALID and a sentence for the
 * administrator. */
stg_error_t *stg_store_check(const stg_store_config_t *config, apr_pool_t *p);

/* Choose the driver by the scheme of config->url, open and prepare it. Fails
 * with INVALID and a sentence for the administrator. */
stg_error_t *stg_store_open(stg_store_t **store,
                            const stg_store_config_t *config, apr_pool_t *p);

/* "NAME URL [option=value ...]" already split into words. INVALID. */
stg_error_t *stg_store_config_parse(stg_store_config_t **config,
                                    const char *const *words, int count,
                                    apr_pool_t *p);

/* For drivers: fails with INVALID if config has an option that is not in
 * known, which a NULL ends. */
stg_error_t *stg_store_options_check(const stg_store_config_t *config,
                                     const char *const *known, apr_pool_t *p);

/* The key of an object: two digits of its id, a slash, its id. */
const char *stg_store_key(const char *object_id, apr_pool_t *p);

/* The id in a key made by stg_store_key(), NULL if it is not of ours. */
const char *stg_store_key_id(const char *key, apr_pool_t *p);

/* For drivers, before a key becomes a path or part of a URL: fails with
 * INTERNAL if it is not of ours. */
stg_error_t *stg_store_key_check(const char *key, apr_pool_t *p);

/* For drivers: fails with STORE_FAILED if what->parts (NULL: nothing to check)
 * are not, one behind the other, the whole object. */
stg_error_t *stg_store_parts_check(const stg_store_t *store,
                                   const stg_unfinished_t *what, apr_pool_t *p);

/* Several stores by name. */
typedef struct stg_stores_t {
    stg_store_t **list;
    int count;
} stg_stores_t;

stg_store_t *stg_stores_find(const stg_stores_t *stores, const char *name);

/* All of them, stoppable. */
stg_stores_t stg_stores_stoppable(const stg_stores_t *stores,
                                  const int *is_stopping, apr_pool_t *p);

/* Before bytes are asked for: fails with BUSY if the store is down still. */
stg_error_t *stg_store_admit(stg_store_t *store, apr_pool_t *p);

/* For drivers whose calls wait for nobody. */
int stg_store_is_never_down(stg_store_t *store);
stg_store_t *stg_store_as_it_is(stg_store_t *store, const int *is_stopping,
                                apr_pool_t *p);

/* For drivers whose put_part returns when a part is durable. */
stg_error_t *stg_store_parts_are_durable(stg_store_t *store,
                                         const stg_unfinished_t *what,
                                         int segment, apr_pool_t *p);

#endif
