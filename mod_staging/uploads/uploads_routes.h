/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_UPLOADS_UPLOADS_ROUTES_H
#define STG_UPLOADS_UPLOADS_ROUTES_H

#include "web/route.h"

/* SetHandler staging-uploads: the EDI staging service (spec/edi.md, 1). */
extern const stg_api_t stg_uploads_api;

#endif
