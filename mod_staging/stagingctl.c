/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator's tool: see stagingctl(8). */
#include "stagingctl.h"

#include "base/log.h"
#include "db/schema.h"

#include <apr_general.h>
#include <apr_strings.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_WRONG_USE = 2, CONNECTIONS = 16 };

/* Does a command need the schema that this build works with? */
typedef enum schema_need_t { ANY_SCHEMA, OUR_SCHEMA } schema_need_t;

/* clang-format off */
static const struct {
    const char *words[2];
    stg_ctl_fn_t *run;
    schema_need_t schema;
} commands[] = {
    {{"migrate"},             stg_ctl_migrate,          ANY_SCHEMA},
    {{"account", "add"},      stg_ctl_account_add,      OUR_SCHEMA},
    {{"account", "list"},     stg_ctl_account_list,     OUR_SCHEMA},
    {{"account", "disable"},  stg_ctl_account_disable,  OUR_SCHEMA},
    {{"account", "enable"},   stg_ctl_account_enable,   OUR_SCHEMA},
    {{"account", "operator"}, stg_ctl_account_operator, OUR_SCHEMA},
    {{"account", "password"}, stg_ctl_account_password, OUR_SCHEMA},
    {{"link"},                stg_ctl_link,             OUR_SCHEMA},
    {{"key", "add"},          stg_ctl_key_add,          OUR_SCHEMA},
    {{"key", "list"},         stg_ctl_key_list,         OUR_SCHEMA},
    {{"key", "revoke"},       stg_ctl_key_revoke,       OUR_SCHEMA},
    {{"gc"},                  stg_ctl_gc,               OUR_SCHEMA},
    {{"worker"},              stg_ctl_worker,           OUR_SCHEMA},
    {{"check"},               stg_ctl_check,            OUR_SCHEMA},
    {{"jobs", "retry"},       stg_ctl_jobs_retry,       OUR_SCHEMA},
    {{"jobs"},                stg_ctl_jobs,             OUR_SCHEMA},
};
/* clang-format on */

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const char help[] =
    "usage: stagingctl -c FILE COMMAND\n"
    "\n"
    "FILE is a file of httpd's configuration; its lines DBDParams,\n"
    "StagingStore and StagingTempDir are read.\n"
    "\n"
    "  migrate [--sql DIR]        bring the database schema up to date\n"
    "  account add NAME           make an account\n"
    "  account list               list all accounts\n"
    "  account disable NAME       shut an account out, with all its keys\n"
    "  account enable NAME        let it in again\n"
    "  account password NAME      give it a password, read from the terminal "
    "or\n"
    "                             standard input; its sessions end\n"
    "  link NAME [--base URL] [--minutes 10]\n"
    "                             make a link that signs it in once, and print "
    "it\n"
    "  account operator NAME on|off\n"
    "                             let it see and mend how the service does\n"
    "  key add ACCOUNT [--label TEXT] [--expires 90d] [--scope read,write]\n"
    "                             make a key and print it, this once\n"
    "  key list [ACCOUNT]         list keys\n"
    "  key revoke ID|HINT|KEY     end a key\n"
    "  gc                         collect garbage now\n"
    "  worker [--threads N]       run jobs and collect garbage until SIGTERM\n"
    "  check [--repair] [--deep]  compare rows with stored bytes; exit 1 if\n"
    "                             there are differences\n"
    "  jobs                       list jobs that wait, run or are parked\n"
    "  jobs retry ID              let a parked job try again\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong use or configuration.\n";

static const char *word_at(const stg_ctl_t *ctl, int index)
{
    return APR_ARRAY_IDX(ctl->words, index, const char *);
}

static void drop_words(stg_ctl_t *ctl, int index, int count)
{
    char **words = (char **)ctl->words->elts;

    ctl->words->nelts -= count;
    memmove(words + index, words + index + count,
            (ctl->words->nelts - index) * sizeof(*words));
}

int stg_ctl_take_flag(stg_ctl_t *ctl, const char *name)
{
    for (int i = 0; i < ctl->words->nelts; i++)
        if (!strcmp(word_at(ctl, i), name)) {
            drop_words(ctl, i, 1);
            return 1;
        }
    return 0;
}

stg_error_t *stg_ctl_take_option(const char **value, stg_ctl_t *ctl,
                                 const char *name, apr_pool_t *p)
{
    apr_size_t length = strlen(name);

    for (int i = 0; i < ctl->words->nelts; i++) {
        const char *word = word_at(ctl, i);

        if (strncmp(word, name, length))
            continue;
        if (word[length] == '=') {
            *value = word + length + 1;
            drop_words(ctl, i, 1);
            return STG_OK;
        }
        if (word[length])
            continue;
        if (i + 1 == ctl->words->nelts)
            return stg_raise(p, STG_E_INVALID, "%s wants a value", name);
        *value = word_at(ctl, i + 1);
        drop_words(ctl, i, 2);
        return STG_OK;
    }
    return STG_OK;
}

stg_error_t *stg_ctl_operands(stg_ctl_t *ctl, int least, int most,
                              apr_pool_t *p)
{
    for (int i = 0; i < ctl->words->nelts; i++)
        if (!strncmp(word_at(ctl, i), "--", 2))
            return stg_raise(p, STG_E_INVALID,
                             "There is no option %s here: see stagingctl "
                             "--help",
                             word_at(ctl, i));
    if (ctl->words->nelts < least)
        return stg_raise(p, STG_E_INVALID,
                         "Something is missing: see stagingctl --help");
    if (ctl->words->nelts > most)
        return stg_raise(p, STG_E_INVALID,
                         "\"%s\" is too much: see stagingctl --help",
                         word_at(ctl, most));
    return STG_OK;
}

const char *stg_ctl_operand(const stg_ctl_t *ctl, int index)
{
    return index < ctl->words->nelts ? word_at(ctl, index) : NULL;
}

/* The command that the words begin with, which are taken; COMMANDS if none. */
static int take_command(stg_ctl_t *ctl)
{
    for (int i = 0; i < COMMANDS; i++) {
        int count = commands[i].words[1] ? 2 : 1;
        int is_equal = ctl->words->nelts >= count;

        for (int j = 0; is_equal && j < count; j++)
            is_equal = !strcmp(word_at(ctl, j), commands[i].words[j]);
        if (is_equal) {
            drop_words(ctl, 0, count);
            return i;
        }
    }
    return COMMANDS;
}

static stg_error_t *open_database(stg_ctl_t *ctl, const char *path,
                                  apr_pool_t *p)
{
    stg_db_lender_t lender;

    if (!ctl->config->dsn)
        return stg_because(
            stg_raise(p, STG_E_INVALID,
                      "The configuration has no DBDParams: which database?"),
            p, "%s", path);
    STG_TRY(stg_db_pool_create(&lender, ctl->config->dsn, CONNECTIONS, p));
    ctl->staging.db = stg_db_create(&lender, p);
    return STG_OK;
}

static stg_error_t *run(stg_ctl_t *ctl, apr_pool_t *p)
{
    const char *path = NULL;
    stg_ctl_config_t *config;
    int command;

    STG_TRY(stg_ctl_take_option(&path, ctl, "-c", p));
    command = take_command(ctl);
    if (command == COMMANDS)
        return stg_raise(p, STG_E_INVALID,
                         stg_ctl_operand(ctl, 0)
                             ? "There is no command \"%s\": see stagingctl "
                               "--help"
                             : "No command was given: see stagingctl --help",
                         stg_ctl_operand(ctl, 0));
    if (!path)
        return stg_raise(p, STG_E_INVALID,
                         "Name the configuration: stagingctl -c FILE ...");
    STG_TRY(stg_ctl_config_read(&config, path, p));
    ctl->config = config;
    STG_TRY(open_database(ctl, path, p));
    if (commands[command].schema == OUR_SCHEMA)
        STG_TRY(stg_schema_check(ctl->staging.db, p));
    return commands[command].run(ctl, p);
}

static void print_log(const char *file, int line, stg_level_t level,
                      const char *text)
{
    (void)file;
    (void)line;
    if (level <= STG_LOG_INFO)
        fprintf(stderr, "stagingctl: %s\n", text);
}

static int report(const stg_error_t *err)
{
    fprintf(stderr, "stagingctl: %s%s%s%s\n", err->message,
            err->cause ? " (" : "", err->cause ? err->cause : "",
            err->cause ? ")" : "");
    return err->code == STG_E_INVALID ? EXIT_WRONG_USE : EXIT_FAILURE;
}

/* What was printed must have arrived, above all a new key. */
static int close_output(int status)
{
    if (!fflush(stdout) && !ferror(stdout))
        return status;
    perror("stagingctl: standard output");
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    apr_pool_t *p;
    stg_ctl_t ctl = {.has_differences = 0};
    stg_error_t *err;
    int status;

    apr_initialize();
    apr_pool_create(&p, NULL);
    stg_log_init(print_log);
    signal(SIGPIPE, SIG_IGN);
    ctl.words = apr_array_make(p, argc, sizeof(char *));
    for (int i = 1; i < argc; i++)
        APR_ARRAY_PUSH(ctl.words, const char *) = argv[i];
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        fputs(help, stdout);
        return close_output(EXIT_SUCCESS);
    }
    if (argc == 2 && !strcmp(argv[1], "--version")) {
        puts("stagingctl " PACKAGE_VERSION);
        return close_output(EXIT_SUCCESS);
    }
    err = run(&ctl, p);
    status = err ? report(err) : ctl.has_differences;
    status = close_output(status);
    apr_pool_destroy(p);
    apr_terminate();
    return status;
}
