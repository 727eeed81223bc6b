// SPDX-License-Identifier: Apache-2.0
// A worker: SHA-256 of the file it is sent, in constant memory.
import { sha256 } from "@noble/hashes/sha2.js";

onmessage = async ({ data: file }) => {
    try {
        const hash = sha256.create();
        const reader = file.stream().getReader();
        for (;;) {
            const { done, value } = await reader.read();
            if (done) break;
            hash.update(value);
        }
        postMessage({ digest: hash.digest() });
    } catch {
        postMessage({ digest: null });
    }
};
