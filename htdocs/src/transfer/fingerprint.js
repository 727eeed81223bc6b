// SPDX-License-Identifier: Apache-2.0
// What a file is known by, on this machine and on others.

const FIRST = 1024 * 1024; // bytes that tell one file from another

/** The size, and SHA-256 of the first MiB; fails if the file cannot be read.
 * Null where the browser does not compute: from a page that came by http from
 * another machine. */
export async function fingerprint(file) {
    const start = await file.slice(0, FIRST).arrayBuffer();
    if (!crypto.subtle) return null;
    const digest = await crypto.subtle.digest("SHA-256", start);
    return `${file.size}-${hex(new Uint8Array(digest))}`;
}

export const hex = (bytes) => Array.from(bytes,
    (byte) => byte.toString(16).padStart(2, "0")).join("");

const policy = window.trustedTypes?.createPolicy("staging", {
    createScriptURL: (url) => url,
}) ?? { createScriptURL: (url) => url };

/** SHA-256 of the whole, computed beside the page; null if it cannot be read. */
export function digestOf(file) {
    const place = new URL("./digest.js", import.meta.url).href;
    const worker = new Worker(policy.createScriptURL(place), { type: "module" });
    return new Promise((resolve) => {
        const end = (digest) => {
            worker.terminate();
            resolve(digest && hex(digest));
        };
        worker.onmessage = ({ data }) => end(data.digest);
        worker.onerror = () => end(null);
        worker.postMessage(file);
    });
}
