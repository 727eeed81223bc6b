/* SPDX-License-Identifier: Apache-2.0 */
#include "stagingctl.h"

#include "accounts/account.h"
#include "accounts/api_key.h"
#include "accounts/sign_in.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/text.h"
#include "db/schema.h"

#include <apr_strings.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

stg_error_t *stg_ctl_migrate(stg_ctl_t *ctl, apr_pool_t *p)
{
    const char *sql = STG_SQL_DIR;
    int applied;

    STG_TRY(stg_ctl_take_option(&sql, ctl, "--sql", p));
    STG_TRY(stg_ctl_operands(ctl, 0, 0, p));
    STG_TRY(stg_schema_migrate(&applied, ctl->staging.db,
                               apr_pstrcat(p, sql, "/migrations", NULL), p));
    STG_TRY(stg_schema_check(ctl->staging.db, p));
    printf("schema version %d, %d migrations applied\n", STG_SCHEMA_VERSION,
           applied);
    return STG_OK;
}

stg_error_t *stg_ctl_account_add(stg_ctl_t *ctl, apr_pool_t *p)
{
    const char *id;

    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    STG_TRY(stg_account_add(&id, ctl->staging.db, stg_ctl_operand(ctl, 0), p));
    printf("%s\n", id);
    return STG_OK;
}

stg_error_t *stg_ctl_account_list(stg_ctl_t *ctl, apr_pool_t *p)
{
    apr_array_header_t *list;

    STG_TRY(stg_ctl_operands(ctl, 0, 0, p));
    STG_TRY(stg_account_list(&list, ctl->staging.db, p));
    printf("%-36s  %-20s  %-8s  %4s  %s\n", "ID", "CREATED", "STATUS", "KEYS",
           "NAME");
    for (int i = 0; i < list->nelts; i++) {
        const stg_account_t *a = &APR_ARRAY_IDX(list, i, stg_account_t);

        printf("%-36s  %-20s  %-8s  %4d  %s\n", a->id,
               stg_clock_rfc3339(a->created, p),
               a->is_disabled   ? "disabled"
               : a->is_operator ? "operator"
                                : "active",
               a->keys, a->name);
    }
    return STG_OK;
}

stg_error_t *stg_ctl_account_disable(stg_ctl_t *ctl, apr_pool_t *p)
{
    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    return stg_account_disable(ctl->staging.db, stg_ctl_operand(ctl, 0), p);
}

stg_error_t *stg_ctl_account_enable(stg_ctl_t *ctl, apr_pool_t *p)
{
    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    return stg_account_enable(ctl->staging.db, stg_ctl_operand(ctl, 0), p);
}

/* Until there is a line of standard input, or a signal. */
static void wait_for_line(const sigset_t *signals)
{
    struct pollfd waiting[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = signalfd(-1, signals, SFD_CLOEXEC), .events = POLLIN}};

    while (poll(waiting, 2, -1) < 0 && errno == EINTR)
        ;
    close(waiting[1].fd);
}

/* One that ends this program does so when the terminal is as it was. */
static char *read_hidden(char *line, int size, const struct termios *shown,
                         const char *prompt)
{
    struct termios hidden = *shown;
    sigset_t signals, before, pending;
    char *end = NULL;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGQUIT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, &before);
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    fprintf(stderr, "%s: ", prompt);
    wait_for_line(&signals);
    sigpending(&pending);
    if (!sigismember(&pending, SIGINT) && !sigismember(&pending, SIGQUIT) &&
        !sigismember(&pending, SIGTERM) && !sigismember(&pending, SIGHUP))
        end = fgets(line, size, stdin);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, shown);
    fputc('\n', stderr);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return end;
}

/* One line of standard input; of a terminal it is not shown. */
static stg_error_t *read_line(char *line, int size, const char *prompt,
                              apr_pool_t *p)
{
    struct termios shown;
    const char *end = tcgetattr(STDIN_FILENO, &shown) == 0
                          ? read_hidden(line, size, &shown, prompt)
                          : fgets(line, size, stdin);

    if (!end)
        return stg_raise(p, STG_E_INVALID, "No password was given");
    line[strcspn(line, "\n")] = '\0';
    return STG_OK;
}

stg_error_t *stg_ctl_account_password(stg_ctl_t *ctl, apr_pool_t *p)
{
    enum { SIZE = STG_PASSWORD_MAX_BYTES + 3 };
    char *password = apr_palloc(p, SIZE);
    char *again = apr_palloc(p, SIZE);

    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    STG_TRY(read_line(password, SIZE, "New password", p));
    if (isatty(STDIN_FILENO)) {
        STG_TRY(read_line(again, SIZE, "The same again", p));
        if (!stg_secret_equal(password, again))
            return stg_raise(p, STG_E_INVALID, "These are not the same");
    }
    return stg_sign_in_set_password(ctl->staging.db, stg_ctl_operand(ctl, 0),
                                    password, p);
}

stg_error_t *stg_ctl_link(stg_ctl_t *ctl, apr_pool_t *p)
{
    enum { MOST_MINUTES = 24 * 60 };
    const char *base = "";
    const char *minutes = "10";
    apr_off_t count;
    const char *code;

    STG_TRY(stg_ctl_take_option(&base, ctl, "--base", p));
    STG_TRY(stg_ctl_take_option(&minutes, ctl, "--minutes", p));
    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    if (!stg_parse_off(minutes, &count) || count < 1 || count > MOST_MINUTES)
        return stg_raise(p, STG_E_INVALID,
                         "--minutes wants a number from 1 to %d", MOST_MINUTES);
    STG_TRY(stg_sign_in_link_add(&code, ctl->staging.db,
                                 stg_ctl_operand(ctl, 0), count * 60, p));
    /* what stands behind # is sent to no server, and so is in no log */
    printf("%s/#link=%s\n", base, code);
    return STG_OK;
}

stg_error_t *stg_ctl_account_operator(stg_ctl_t *ctl, apr_pool_t *p)
{
    const char *word;
    int is_operator;

    STG_TRY(stg_ctl_operands(ctl, 2, 2, p));
    word = stg_ctl_operand(ctl, 1);
    is_operator = !strcmp(word, "on");
    if (!is_operator && strcmp(word, "off"))
        return stg_raise(p, STG_E_INVALID, "Is it on or off, not \"%s\"", word);
    return stg_account_operator(ctl->staging.db, stg_ctl_operand(ctl, 0),
                                is_operator, p);
}

static stg_error_t *take_lifetime(apr_off_t *seconds, stg_ctl_t *ctl,
                                  apr_pool_t *p)
{
    enum { MOST_DAYS = 36500, DAY = 86400 };
    const char *text = NULL;

    *seconds = 0;
    STG_TRY(stg_ctl_take_option(&text, ctl, "--expires", p));
    if (!text || (stg_parse_duration(text, seconds) && *seconds > 0 &&
                  *seconds <= (apr_off_t)MOST_DAYS * DAY))
        return STG_OK;
    return stg_raise(p, STG_E_INVALID,
                     "--expires wants a time from now, such as 12h or 90d");
}

stg_error_t *stg_ctl_key_add(stg_ctl_t *ctl, apr_pool_t *p)
{
    stg_api_key_spec_t spec = {.label = ""};
    const char *scopes = "read,write";
    const char *id, *key;

    STG_TRY(stg_ctl_take_option(&spec.label, ctl, "--label", p));
    STG_TRY(stg_ctl_take_option(&scopes, ctl, "--scope", p));
    STG_TRY(take_lifetime(&spec.lifetime, ctl, p));
    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    spec.account = stg_ctl_operand(ctl, 0);
    STG_TRY(stg_api_key_scopes_parse(&spec.scopes, scopes, p));
    STG_TRY(stg_api_key_add(&id, &key, ctl->staging.db, &spec, p));
    printf("%s\n", key);
    fputs("stagingctl: The key is shown this once: keep it.\n", stderr);
    return STG_OK;
}

stg_error_t *stg_ctl_key_list(stg_ctl_t *ctl, apr_pool_t *p)
{
    apr_array_header_t *list;

    STG_TRY(stg_ctl_operands(ctl, 0, 1, p));
    STG_TRY(
        stg_api_key_list(&list, ctl->staging.db, stg_ctl_operand(ctl, 0), p));
    printf("%-36s  %-12s  %-8s  %-10s  %-20s  %s\n", "ID", "HINT", "STATUS",
           "SCOPES", "EXPIRES", "ACCOUNT LABEL");
    for (int i = 0; i < list->nelts; i++) {
        const stg_api_key_t *k = &APR_ARRAY_IDX(list, i, stg_api_key_t);

        printf("%-36s  %-12s  %-8s  %-10s  %-20s  %s %s\n", k->id, k->hint,
               k->status, k->scopes,
               k->expires ? stg_clock_rfc3339(k->expires, p) : "never",
               k->account, k->label);
    }
    return STG_OK;
}

stg_error_t *stg_ctl_key_revoke(stg_ctl_t *ctl, apr_pool_t *p)
{
    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    STG_TRY(stg_api_key_revoke(ctl->staging.db, stg_ctl_operand(ctl, 0), p));
    fprintf(stderr,
            "stagingctl: The key is refused within %d seconds everywhere.\n",
            STG_API_KEY_FRESH);
    return STG_OK;
}
