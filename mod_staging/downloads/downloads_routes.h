/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_DOWNLOADS_DOWNLOADS_ROUTES_H
#define STG_DOWNLOADS_DOWNLOADS_ROUTES_H

#include "web/route.h"

/* SetHandler staging-download: objects of stores that have no URLs of their
 * own, for whoever shows a ticket. */
extern const stg_api_t stg_downloads_api;

#endif
