/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/password.h"

#include "base/clock.h"
#include "base/ids.h"
#include "base/text.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include <argon2.h>
#include <openssl/crypto.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* OWASP's password storage cheat sheet, the second of its equal choices. */
enum {
    MEMORY_KIB = 19 * 1024,
    PASSES = 2,
    LANES = 1,
    SALT_BYTES = 16,
    HASH_BYTES = 32
};

static const char current[] = "$argon2id$v=19$m=19456,t=2,p=1$";

/* Of a password that nobody knows, made with the same parameters. */
static const char nobodys[] =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct stg_password_gate_t {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *freed;
    struct {
        int hashing;
    } synced;
};

stg_error_t *stg_password_gate_create(stg_password_gate_t **gate, apr_pool_t *p)
{
    stg_password_gate_t *made = apr_pcalloc(p, sizeof(*made));
    apr_status_t status =
        apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, p);

    if (status == APR_SUCCESS)
        status = apr_thread_cond_create(&made->freed, p);
    if (status)
        return stg_because_apr(stg_raise(p, STG_E_INTERNAL, "internal error"),
                               p, status, "Making the gate of passwords");
    *gate = made;
    return STG_OK;
}

static stg_error_t *enter(stg_password_gate_t *gate, apr_pool_t *p)
{
    enum { WAIT_SECONDS = 2 };
    apr_time_t end = stg_clock_monotonic() + apr_time_from_sec(WAIT_SECONDS);
    apr_time_t left = apr_time_from_sec(WAIT_SECONDS);
    int is_in = 0;

    if (!gate)
        return STG_OK;
    apr_thread_mutex_lock(gate->mutex);
    while (gate->synced.hashing >= STG_PASSWORD_HASHES && left > 0) {
        apr_thread_cond_timedwait(gate->freed, gate->mutex, left);
        left = end - stg_clock_monotonic();
    }
    if (gate->synced.hashing < STG_PASSWORD_HASHES) {
        gate->synced.hashing++;
        is_in = 1;
    }
    apr_thread_mutex_unlock(gate->mutex);
    if (is_in)
        return STG_OK;
    return stg_raise(p, STG_E_BUSY,
                     "too many people are signing in: try again in a moment");
}

static void leave(stg_password_gate_t *gate)
{
    if (!gate)
        return;
    apr_thread_mutex_lock(gate->mutex);
    gate->synced.hashing--;
    apr_thread_cond_signal(gate->freed);
    apr_thread_mutex_unlock(gate->mutex);
}

stg_error_t *stg_password_check(const char *password, apr_pool_t *p)
{
    apr_size_t length = strlen(password);
    apr_size_t characters;
    int is_plain = stg_utf8_is_valid(password, length, &characters) &&
                   characters >= STG_PASSWORD_MIN_CHARACTERS &&
                   length <= STG_PASSWORD_MAX_BYTES;

    for (const char *c = password; is_plain && *c; c++)
        is_plain = !apr_iscntrl(*c);
    if (is_plain)
        return STG_OK;
    return stg_raise(p, STG_E_INVALID,
                     "A password is UTF-8 without control characters, has at "
                     "least %d characters and at most %d bytes",
                     STG_PASSWORD_MIN_CHARACTERS, STG_PASSWORD_MAX_BYTES);
}

/* What is kept, taken apart. */
typedef struct kept_t {
    unsigned int memory; /* KiB */
    unsigned int passes;
    unsigned int lanes;
    const char *salt;
    apr_size_t salt_bytes;
    const char *hash;
    apr_size_t hash_bytes;
} kept_t;

/* malloc() would keep these pages in the arena of every thread that ever
 * hashed: freed they are to be gone. */
static int take_pages(uint8_t **memory, size_t count)
{
    void *pages = mmap(NULL, count, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    *memory = pages == MAP_FAILED ? NULL : pages;
    return *memory ? ARGON2_OK : ARGON2_MEMORY_ALLOCATION_ERROR;
}

static void give_pages_back(uint8_t *memory, size_t count)
{
    munmap(memory, count);
}

/* The hash of a password with the parameters and the salt of kept, as long as
 * that one's. */
static stg_error_t *compute(unsigned char *hash, stg_password_gate_t *gate,
                            const kept_t *kept, const char *password,
                            apr_pool_t *p)
{
    argon2_context context = {
        .out = hash,
        .outlen = (uint32_t)kept->hash_bytes,
        .pwd = (uint8_t *)apr_pstrdup(p, password),
        .pwdlen = (uint32_t)strlen(password),
        .salt = (uint8_t *)apr_pmemdup(p, kept->salt, kept->salt_bytes),
        .saltlen = (uint32_t)kept->salt_bytes,
        .t_cost = kept->passes,
        .m_cost = kept->memory,
        .lanes = kept->lanes,
        .threads = 1,
        .version = ARGON2_VERSION_13,
        .allocate_cbk = take_pages,
        .free_cbk = give_pages_back,
    };
    int status;

    STG_TRY(enter(gate, p));
    status = argon2id_ctx(&context);
    leave(gate);
    if (status == ARGON2_OK)
        return STG_OK;
    return stg_because(stg_raise(p, STG_E_INTERNAL, "internal error"), p,
                       "argon2: %s", argon2_error_message(status));
}

/* PHC strings leave out what fills base64 up. */
static const char *unpadded(const unsigned char *bytes, apr_size_t count,
                            apr_pool_t *p)
{
    char *text = apr_pstrdup(p, stg_base64(bytes, count, p));

    text[strcspn(text, "=")] = '\0';
    return text;
}

static const char *padded_bytes(apr_size_t *count, const char *text,
                                apr_size_t length, apr_pool_t *p)
{
    static const char *const fill[] = {"", "===", "==", "="};

    return stg_unbase64(
        apr_psprintf(p, "%.*s%s", (int)length, text, fill[length % 4]), count,
        p);
}

static stg_error_t *take_apart(kept_t *kept, const char *text, apr_pool_t *p)
{
    const char *salt = NULL, *hash = NULL;
    int before = 0;

    if (sscanf(text, "$argon2id$v=19$m=%7u,t=%3u,p=%2u$%n", &kept->memory,
               &kept->passes, &kept->lanes, &before) == 3 &&
        before) {
        salt = text + before;
        hash = strchr(salt, '$');
    }
    if (hash) {
        kept->salt =
            padded_bytes(&kept->salt_bytes, salt, (apr_size_t)(hash - salt), p);
        kept->hash =
            padded_bytes(&kept->hash_bytes, hash + 1, strlen(hash + 1), p);
        if (kept->salt && kept->hash)
            return STG_OK;
    }
    return stg_because(stg_raise(p, STG_E_INTERNAL, "internal error"), p,
                       "what is kept of a password is no hash of argon2id");
}

stg_error_t *stg_password_hash(const char **kept, stg_password_gate_t *gate,
                               const char *password, apr_pool_t *p)
{
    unsigned char salt[SALT_BYTES], hash[HASH_BYTES];
    kept_t made = {.memory = MEMORY_KIB,
                   .passes = PASSES,
                   .lanes = LANES,
                   .salt = (const char *)salt,
                   .salt_bytes = sizeof(salt),
                   .hash_bytes = sizeof(hash)};

    stg_random_bytes(salt, sizeof(salt));
    STG_TRY(compute(hash, gate, &made, password, p));
    *kept = apr_pstrcat(p, current, unpadded(salt, sizeof(salt), p), "$",
                        unpadded(hash, sizeof(hash), p), NULL);
    return STG_OK;
}

stg_error_t *stg_password_verify(int *is_right, stg_password_gate_t *gate,
                                 const char *kept, const char *password,
                                 apr_pool_t *p)
{
    unsigned char *hash;
    kept_t parts;

    STG_TRY(take_apart(&parts, kept ? kept : nobodys, p));
    hash = apr_palloc(p, parts.hash_bytes);
    STG_TRY(compute(hash, gate, &parts, password, p));
    *is_right = kept && !CRYPTO_memcmp(hash, parts.hash, parts.hash_bytes);
    return STG_OK;
}

int stg_password_is_current(const char *kept)
{
    return !strncmp(kept, current, sizeof(current) - 1);
}
