// SPDX-License-Identifier: Apache-2.0
// Drop files, label them, see them go. What stopped earlier, here or on
// another machine, is offered to go on.
import { h, keepFocus, replace } from "../dom.js";
import { bytes, number, rate, span } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { announce, button, fileInput, heading, toast } from "../parts.js";
import * as session from "../session.js";
import { chosenFiles, droppedFiles } from "../transfer/folder.js";
import * as queue from "../transfer/queue.js";
import { transferRow } from "./transfer-row.js";
import { Unfinished } from "./unfinished.js";

const SHOWN = 100; // rows, before "show all"

export function show(outlet) {
    const view = new Upload();
    outlet.append(...view.parts());
    view.render();
    view.unfinished.load();
    return () => view.leave();
}

class Upload {
    constructor() {
        this.rows = new Map();
        this.isAll = false;
        this.list = h("ul", { class: "transfers" });
        this.head = h("div", { class: "queue-head" });
        this.foot = h("div");
        this.unfinished = new Unfinished((files, found) => this.resume(files, found));
        this.verify = h("input", { type: "checkbox", id: "verify" });
        this.onChange = () => this.render();
        this.onProgress = () => { this.due ??= requestAnimationFrame(() => this.progress()); };
        queue.events.addEventListener("change", this.onChange);
        queue.events.addEventListener("progress", this.onProgress);
        this.timer = setInterval(this.onProgress, 1000);
    }

    leave() {
        queue.events.removeEventListener("change", this.onChange);
        queue.events.removeEventListener("progress", this.onProgress);
        clearInterval(this.timer);
        cancelAnimationFrame(this.due);
        this.unfinished.leave();
        this.refuseDrops();
    }

    parts() {
        return [
            heading(t("upload.title"), limits()),
            this.dropZone(),
            this.unfinished.element,
            h("section", { "aria-label": t("upload.queue") }, this.head, this.list, this.foot),
        ];
    }

    dropZone() {
        const files = fileInput({ multiple: true });
        const folder = fileInput({ webkitdirectory: true });
        for (const input of [files, folder])
            input.addEventListener("change", () => {
                this.add(chosenFiles(input));
                input.value = "";
            });
        const zone = h("div", { class: "drop" }, icon("upload"),
            h("p", { class: "big" }, t("upload.drop")),
            h("div", { class: "row center" },
                button(t("upload.files"), () => files.click(), { with: "file" }),
                button(t("upload.folder"), () => folder.click(), { with: "folder", look: "quiet" })),
            h("p", { class: "check" }, this.verify,
                h("label", { for: "verify" }, t("upload.verify"))),
            files, folder);
        this.takeDrops(zone);
        return zone;
    }

    /** What is dropped beside the zone is meant, too: the browser would leave
     * the page for it. */
    takeDrops(zone) {
        let depth = 0;
        const enter = (step) => () => zone.classList.toggle("over", (depth += step) > 0);
        const handlers = {
            dragenter: enter(1),
            dragleave: enter(-1),
            dragover: (event) => event.preventDefault(),
            drop: async (event) => {
                event.preventDefault();
                depth = 0;
                zone.classList.remove("over");
                try {
                    this.add(await droppedFiles(event.dataTransfer));
                } catch {
                    toast(t("upload.unreadable"));
                }
            },
        };
        for (const [name, handler] of Object.entries(handlers))
            document.addEventListener(name, handler);
        this.refuseDrops = () => {
            for (const [name, handler] of Object.entries(handlers))
                document.removeEventListener(name, handler);
        };
    }

    add(files) {
        const added = queue.add(files, (file) => this.unfinished.take(file));
        const most = session.current.limits?.max_upload;
        for (const transfer of added)
            if (most && transfer.size > most)
                transfer.become("failed", { key: "transfer.too-large" });
        this.head.querySelector("button")?.focus();
    }

    resume(files, found) {
        queue.start(queue.add(files, () => found));
    }

    start() {
        const ready = queue.transfers.filter(({ state }) => state === "ready");
        for (const transfer of ready) transfer.verify = this.verify.checked;
        queue.start(ready);
        this.render();
        document.querySelector("h1").focus();
    }

    /** The rows of those that are there; what is there already stays. */
    render() {
        const most = this.isAll ? Infinity : SHOWN;
        const shown = queue.transfers.slice(0, most);
        for (const [transfer, row] of this.rows)
            if (!shown.includes(transfer)) {
                row.leave();
                this.rows.delete(transfer);
            }
        keepFocus(this.list, () => replace(this.list, shown.map((transfer) => {
            if (!this.rows.has(transfer)) this.rows.set(transfer, transferRow(transfer));
            return this.rows.get(transfer).element;
        })));
        const hidden = queue.transfers.length - shown.length;
        replace(this.foot, hidden > 0 && button(t("upload.all", { count: hidden }), () => {
            this.isAll = true;
            this.render();
        }, { look: "quiet" }));
        this.renderHead();
    }

    progress() {
        this.due = undefined;
        this.renderHead();
    }

    renderHead() {
        const ready = queue.transfers.filter(({ state }) => state === "ready");
        const told = queue.sum();
        this.showHead(ready, told);
        if (this.text) this.text.textContent = [
            ready.length > 0 && !told.count && t("upload.labels"),
            told.count && t("upload.sum", { over: number(told.over), count: told.count }),
            told.count && t("upload.bytes", { sent: bytes(told.sent), size: bytes(told.size) }),
            told.rate && rate(told.rate),
            told.rate && t("upload.left", { time: span((told.size - told.sent) / told.rate) }),
        ].filter(Boolean).join(" · ");
        if (this.wasRunning && !told.isRunning) announce(this.text.textContent);
        this.wasRunning = told.isRunning;
    }

    /** Its buttons are made anew only where others are wanted. */
    showHead(ready, told) {
        const isPaused = queue.transfers.some(({ state }) => state === "paused");
        const kind = [ready.length, told.count > 0, told.isRunning, isPaused, told.over > 0].join();
        if (kind === this.kind) return;
        this.kind = kind;
        this.text = h("p", { class: "soft" });
        const size = ready.reduce((all, transfer) => all + transfer.size, 0);
        keepFocus(this.head, () => replace(this.head, queue.transfers.length > 0 && [
            h("div", null, h("h2", null, t("upload.queue")), this.text),
            h("div", { class: "row" },
                ready.length > 0 && button(t("upload.start", { count: ready.length, size: bytes(size) }),
                    () => this.start(), { with: "upload" }),
                told.isRunning && button(t("upload.pause-all"), queue.pauseAll, { look: "quiet", with: "pause" }),
                isPaused && button(t("upload.resume-all"), queue.resumeAll, { look: "quiet", with: "play" }),
                told.over > 0 && button(t("upload.clear"), queue.clear, { look: "quiet" })),
        ]));
    }
}

function limits() {
    const { max_upload: most, retention_seconds: kept, idle_seconds: idle } = session.current.limits ?? {};
    return [
        most && t("limit.size", { size: bytes(most) }),
        kept && t("limit.kept", { time: span(kept) }),
        idle && t("limit.idle", { time: span(idle) }),
    ].filter(Boolean).join(" · ");
}
