// SPDX-License-Identifier: Apache-2.0
// One file on its way, by tus. What the server has stored is known to the
// server only: whoever goes on, here or elsewhere, asks it for the offset.
import * as tus from "tus-js-client";
import * as api from "../api.js";
import { digestOf, fingerprint, hex } from "./fingerprint.js";
import { Pace } from "./pace.js";

const LONGEST_PAUSE = 30; // seconds between attempts
const STORED = ["success", "failure"];

/** States: ready, queued, checking, sending, waiting (for another attempt),
 * paused, finishing (all sent, the server is putting it together), done,
 * failed. */
export class Transfer extends EventTarget {
    constructor(file, path, label) {
        super();
        this.file = file;
        this.path = path;
        this.label = label;
        this.size = file.size;
        this.state = "ready";
        this.sent = 0;
        this.pace = new Pace();
        this.verify = false;
        this.error = null;
        this.attempts = 0;
        this.runs = 0;
        this.beginAnew();
    }

    /** As an upload of its own: the server has ended the one before. */
    beginAnew() {
        this.found = null; // an unfinished upload of this file, if there is one
        this.url = null;
        this.stored = null; // the upload, as the server has it in the end
        this.matches = null; // the checksums, where they were compared
        this.digest = null; // of the file, where it is wanted
        this.creation = hex(crypto.getRandomValues(new Uint8Array(16)));
    }

    get isOver() { return this.state === "done" || this.state === "failed"; }

    get isRunning() { return ["checking", "sending", "waiting", "finishing"].includes(this.state); }

    /** Where it can be gone on with. */
    get place() { return this.url ?? this.found?.resumable_url ?? null; }

    become(state, error = null) {
        this.state = state;
        this.error = error;
        this.dispatchEvent(new Event("change"));
    }

    /** Look at the file's beginning, then send. */
    async start() {
        const run = ++this.runs;
        this.become("checking");
        try {
            this.mark = await fingerprint(this.file).catch(() => {
                throw Object.assign(new Error(), { key: "transfer.unreadable" });
            });
            await this.checkFound();
        } catch (error) {
            if (run === this.runs) this.fail(error);
            return;
        }
        if (run !== this.runs) return;
        if (this.verify) this.digest ??= digestOf(this.file);
        this.send(run);
    }

    /** Is what the server has the beginning of this file? */
    async checkFound() {
        if (!this.found || this.found.isChecked) return;
        const { fingerprint: theirs } = await api.uploads.metadata(this.found.resumable_url);
        if (theirs && this.mark && theirs !== this.mark)
            throw Object.assign(new Error(), { key: "transfer.other-file" });
        this.found.isChecked = true;
    }

    send(run) {
        const metadata = { filename: this.file.name, filetype: this.file.type, label: this.label };
        if (this.path !== this.file.name) metadata.path = this.path;
        if (this.mark) metadata.fingerprint = this.mark;
        this.upload = new tus.Upload(this.file, {
            endpoint: api.mountOf("resumable"),
            uploadUrl: this.place,
            metadata,
            retryDelays: null,
            storeFingerprintForResuming: false,
            headers: { "Idempotency-Key": this.creation },
            onUploadUrlAvailable: () => { this.url = this.upload.url; },
            onProgress: (sent) => {
                if (run !== this.runs) return;
                if (sent > this.sent) this.attempts = 0;
                this.sent = sent;
                this.pace.add(sent);
                this.become("sending");
            },
            onSuccess: () => run === this.runs && this.finish(run),
            onError: (error) => run === this.runs && this.fail(error),
        });
        this.become("sending");
        this.upload.start();
    }

    fail(error) {
        const status = error.originalResponse?.getStatus() ?? error.status ?? (error.key ? 400 : 0);
        this.pace = new Pace();
        if (status === 401) {
            this.become("paused", problemOf(error, status));
            api.events.dispatchEvent(new Event("signed-out"));
        } else if (status === 0 || status >= 500 && status !== 507 || [408, 409, 423, 429].includes(status)) {
            this.tryLater(problemOf(error, status), retryAfter(error));
        } else {
            this.become("failed", problemOf(error, status));
        }
    }

    /** What may pass is tried again for as long as it takes. */
    tryLater(error, least) {
        const seconds = Math.max(least, Math.min(2 ** this.attempts++, LONGEST_PAUSE));
        this.become("waiting", error);
        const run = this.runs;
        const again = () => {
            clearTimeout(timer);
            removeEventListener("online", again);
            if (run === this.runs) this.start();
        };
        const timer = setTimeout(again, seconds * 1000);
        addEventListener("online", again);
    }

    /** All is sent. Large files are put together by the store for a while. */
    async finish(run) {
        this.sent = this.size;
        this.become("finishing");
        const id = this.url.split("/").pop();
        for (let pause = 250; run === this.runs; pause = Math.min(pause * 2, 10000)) {
            try {
                const upload = await api.uploads.get(id);
                if (STORED.includes(upload.status)) return await this.conclude(upload);
            } catch (error) {
                if (error.status && error.status < 500) return this.fail(error);
            }
            await new Promise((resolve) => { setTimeout(resolve, pause); });
        }
        return null;
    }

    async conclude(upload) {
        this.stored = upload;
        if (upload.status === "failure")
            return this.become("failed", { message: upload.message });
        if (this.digest && upload.sha256) {
            const digest = await this.digest;
            this.matches = digest === upload.sha256;
            if (!this.matches)
                return this.become("failed", { key: digest ? "transfer.mismatch" : "transfer.uncompared" });
        }
        return this.become("done");
    }

    pause() {
        this.runs++;
        this.upload?.abort().catch(() => {});
        this.pace = new Pace();
        this.become("paused");
    }

    /** Take it back; what the server has of it goes too, unless it turned out
     * to be of another file. */
    async cancel() {
        const place = this.url ?? (this.found?.isChecked ? this.found.resumable_url : null);
        this.runs++;
        await this.upload?.abort().catch(() => {});
        if (place && this.state !== "done") await tus.Upload.terminate(place).catch(() => {});
    }
}

/** Seconds for which the service does not want to be asked again. */
const retryAfter = (error) =>
    Number(error.originalResponse?.getHeader("Retry-After")) || error.retryAfter || 0;

/** {status, message, requestId} of an error of tus or of ours. */
function problemOf(error, status) {
    let answer = {};
    try {
        answer = JSON.parse(error.originalResponse.getBody());
    } catch {
        // it is none of the service's
    }
    return {
        status, key: error.key,
        message: answer.detail ?? (error.originalRequest ? "" : error.message),
        requestId: answer.request_id ?? error.requestId,
    };
}
