// SPDX-License-Identifier: Apache-2.0
// Views are named behind the #: #/uploads/<id>?status=failure

/** {name, id, query} of the address; name is "" where there is none. */
export function route() {
    const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
    const [name, id] = path.split("/");
    return { name, id: id && safeDecode(id), query: Object.fromEntries(new URLSearchParams(query)) };
}

function safeDecode(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

export function href(name, id, query = {}) {
    const values = new URLSearchParams(
        Object.entries(query).filter(([, value]) => value));
    return `#/${name}${id ? `/${encodeURIComponent(id)}` : ""}${values.size ? `?${values}` : ""}`;
}

/** Go there; with instead, the browser's way back leaves this one out. */
export function navigate(address, { instead = false } = {}) {
    if (location.hash === address) return;
    if (instead) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
    dispatchEvent(new Event("hashchange"));
}
