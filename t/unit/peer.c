/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <apr_strings.h>

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct server_t {
    stg_peer_t peer;
    int listener;
    pthread_t thread;
} server_t;

static int is_whole(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strstr(request, "Content-Length: ");

    if (!end)
        return 0;
    return !length || strlen(end + 4) >= (size_t)atoi(length + 16);
}

static void read_request(stg_peer_t *peer, int connection)
{
    size_t count = 0;
    ssize_t got = 1;

    memset(peer->last_request, 0, sizeof(peer->last_request));
    while (got > 0 && !is_whole(peer->last_request)) {
        got = read(connection, peer->last_request + count,
                   sizeof(peer->last_request) - 1 - count);
        count += got > 0 ? (size_t)got : 0;
    }
}

static void *serve(void *baton)
{
    server_t *server = baton;
    stg_peer_t *peer = &server->peer;
    int connection;

    while ((connection = accept(server->listener, NULL, NULL)) >= 0) {
        const char *answer;

        read_request(peer, connection);
        answer = peer->requests++ < peer->hang_ups ? NULL : peer->answer;
        if (answer && write(connection, answer, strlen(answer)) < 0)
            abort();
        close(connection);
    }
    return NULL;
}

static apr_status_t stop(void *baton)
{
    server_t *server = baton;

    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    return APR_SUCCESS;
}

stg_peer_t *stg_peer_start(apr_pool_t *p)
{
    server_t *server = apr_pcalloc(p, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    struct sockaddr *any = (struct sockaddr *)&address;

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listener, any, size) || listen(server->listener, 16) ||
        getsockname(server->listener, any, &size) ||
        pthread_create(&server->thread, NULL, serve, server))
        abort();
    server->peer.url =
        apr_psprintf(p, "http://127.0.0.1:%d", ntohs(address.sin_port));
    apr_pool_cleanup_register(p, server, stop, apr_pool_cleanup_null);
    return &server->peer;
}

const char *stg_peer_answer(int status, const char *body, apr_pool_t *p)
{
    return apr_psprintf(p,
                        "HTTP/1.1 %d Whatever\r\nConnection: close\r\n"
                        "Content-Length: %" APR_SIZE_T_FMT "\r\n\r\n%s",
                        status, strlen(body), body);
}
