/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_RESUMABLE_RESUMABLE_ROUTES_H
#define STG_RESUMABLE_RESUMABLE_ROUTES_H

#include "web/route.h"

/* SetHandler staging-resumable: uploads that can be interrupted, by tus 1.0
 * and by the draft of the IETF (spec/resumable.md). */
extern const stg_api_t stg_resumable_api;

#endif
