/* SPDX-License-Identifier: Apache-2.0 */
#include "downloads/downloads_routes.h"

#include "core/ticket.h"
#include "web/serve.h"

#include <http_core.h>

/* The ticket is the permission; no principal is asked for. */
static stg_error_t *download(stg_request_t *req)
{
    stg_ticket_t ticket = {.method = req->r->header_only ? "HEAD" : "GET",
                           .object = req->target};
    stg_serve_t serve;

    if (!req->process->ticket_secret)
        return stg_raise(req->pool, STG_E_NOT_FOUND, "there is nothing here");
    STG_TRY(stg_ticket_redeem(&ticket, req->process->ticket_secret, req->query,
                              req->credentials.signature, req->pool));
    serve.store = stg_stores_find(&req->staging->stores, ticket.store);
    serve.object = ticket.object;
    serve.content_type = ticket.content_type;
    serve.filename = ticket.filename;
    serve.sha256 = ticket.digest;
    return stg_serve(req, &serve);
}

static const stg_route_t routes[] = {
    {"GET", "/{id}", STG_GRANT_NOBODY, download},
    {NULL, NULL, STG_GRANT_NOBODY, NULL},
};

const stg_api_t stg_downloads_api = {
    .name = "downloads",
    .handler = "staging-download",
    .routes = routes,
};
