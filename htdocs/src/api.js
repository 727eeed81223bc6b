// SPDX-License-Identifier: Apache-2.0
// All requests to the REST APIs but those of uploads in transfer.js. The
// browser shows the session's cookie by itself.

/** What the service, or the way to it, has refused. */
export class ApiError extends Error {
    constructor(status, answer = {}, retryAfter = 0) {
        super(answer.detail ?? "");
        this.status = status; // 0: there was no answer
        this.requestId = answer.request_id;
        this.retryAfter = retryAfter;
    }
}

/** Tells "signed-out" when a session has ended. */
export const events = new EventTarget();

async function answerOf(response) {
    try {
        return await response.json();
    } catch {
        return {};
    }
}

async function request(method, url, body, signal) {
    let response;
    try {
        response = await fetch(url, {
            method, signal, cache: "no-store",
            ...body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) },
        });
    } catch (error) {
        if (error.name === "AbortError") throw error;
        throw new ApiError(0);
    }
    if (response.ok) return response;
    const error = new ApiError(response.status, await answerOf(response),
        Number(response.headers.get("Retry-After")));
    if (error.status === 401 && url !== SESSION)
        events.dispatchEvent(new Event("signed-out"));
    throw error;
}

const SESSION = new URL("session", document.baseURI).pathname;
let mounts = {};
/** Where the APIs are, as the session says. */
export const useMounts = (told) => { mounts = told ?? {}; };
export const mountOf = (name) => mounts[name];

const json = async (...call) => (await request(...call)).json();
const path = (base, values) => {
    const query = new URLSearchParams(Object.entries(values).filter(
        ([, value]) => value !== undefined && value !== "" && value !== null));
    return query.size ? `${base}?${query}` : base;
};

export const session = {
    get: () => json("GET", SESSION),
    create: (proof) => json("POST", SESSION, proof),
    end: (everywhere) => request("DELETE", everywhere ? `${SESSION}/all` : SESSION),
    iam: (provider) => path(`${SESSION}/iam`, { provider }),
    keys: () => json("GET", `${SESSION}/key`),
    createKey: (key) => json("POST", `${SESSION}/key`, key),
    revokeKey: (id) => request("DELETE", `${SESSION}/key/${id}`),
};

export const uploads = {
    /** {items, next, total}: next is the cursor of the next page, total is
     * known where it was asked for. */
    async list(query, signal) {
        const response = await request("GET", path(mounts.upload, query), null, signal);
        const link = /<([^>]+)>; rel="next"/.exec(response.headers.get("Link") ?? "");
        return {
            items: await response.json(),
            next: link && new URL(link[1], document.baseURI).searchParams.get("after"),
            total: response.headers.get("X-Total-Count"),
        };
    },
    get: (id) => json("GET", `${mounts.upload}/${id}`),
    events: (id) => json("GET", `${mounts.upload}/${id}/events`),
    remove: (id) => request("DELETE", `${mounts.upload}/${id}`),
    removeAll: (ids) => json("POST", `${mounts.upload}/delete`, { ids }),
    /** Metadata of tus that an unfinished upload was created with. This ends
     * a request that is still sending to it. */
    async metadata(url) {
        const response = await fetch(url, {
            method: "HEAD", headers: { "Tus-Resumable": "1.0.0" }, cache: "no-store",
        }).catch(() => { throw new ApiError(0); });
        if (!response.ok) throw new ApiError(response.status);
        return decodeMetadata(response.headers.get("Upload-Metadata") ?? "");
    },
};

function decodeMetadata(field) {
    const utf8 = new TextDecoder();
    return Object.fromEntries(field.split(",").filter(Boolean).map((pair) => {
        const [key, value = ""] = pair.trim().split(" ");
        return [key, utf8.decode(Uint8Array.from(atob(value), (c) => c.charCodeAt(0)))];
    }));
}

export const operation = {
    now: () => json("GET", mounts.operation),
    history: (hours) => json("GET", path(`${mounts.operation}/history`, { hours })),
    failures: () => json("GET", path(`${mounts.operation}/failures`, { limit: 50 })),
    parked: () => json("GET", path(`${mounts.operation}/jobs`, { state: "parked" })),
    retry: (id) => request("POST", `${mounts.operation}/jobs/${id}/retry`),
};
