// SPDX-License-Identifier: Apache-2.0
// Uploads that stopped before their end, as the server lists them: begun in
// another tab, by another program, or on another machine.
import * as api from "../api.js";
import { debounce, h, keepFocus, replace } from "../dom.js";
import { bytes, percent } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { button, complaint, confirmed, fileInput, iconButton, progressBar, when } from "../parts.js";
import { chosenFiles } from "../transfer/folder.js";
import * as queue from "../transfer/queue.js";

const MOST = 200;

export class Unfinished {
    constructor(resume) {
        this.resume = resume;
        this.items = [];
        this.element = h("section", { "aria-label": t("unfinished.title") });
        const load = debounce(() => this.load(), 500);
        this.onChange = () => {
            this.render();
            load();
        };
        queue.events.addEventListener("change", this.onChange);
    }

    leave() {
        this.isGone = true;
        queue.events.removeEventListener("change", this.onChange);
    }

    async load() {
        if (this.isGone) return;
        try {
            const { items } = await api.uploads.list({ status: "pending", limit: MOST });
            this.items = items.filter(({ resumable_url: url, offset, size }) =>
                url && offset !== undefined && offset !== size);
        } catch {
            return; // dropping files works without them
        }
        this.render();
    }

    /** Those that are not on their way here already. */
    get open() {
        if (!this.items.length) return [];
        const taken = new Set(queue.transfers.map(({ place }) => place && pathOf(place)));
        return this.items.filter(({ resumable_url: url }) => !taken.has(pathOf(url)));
    }

    /** The one that this file may be the rest of. */
    take(file) {
        return this.items.some((item) => fits(item, file)) &&
            this.open.find((item) => fits(item, file)) || null;
    }

    render() {
        const { open } = this;
        keepFocus(this.element, () => replace(this.element, open.length > 0 && [
            h("h2", null, t("unfinished.title")),
            h("p", { class: "soft" }, t("unfinished.text")),
            h("ul", { class: "transfers" }, open.map((item) => this.row(item))),
        ]));
    }

    row(item) {
        const wrong = h("p", { class: "bad", role: "alert" });
        const bar = progressBar(t("transfer.progress", { name: item.filename }));
        bar.set(item.size ? item.offset / item.size : 0);
        const input = fileInput();
        input.addEventListener("change", () => {
            const [chosen] = chosenFiles(input);
            input.value = "";
            if (!chosen) return;
            if (fits(item, chosen.file)) this.goOn(item, chosen);
            else replace(wrong, t(chosen.file.size === item.size ? "unfinished.other-name" : "unfinished.other-size",
                { name: item.filename, size: item.size === null ? "?" : bytes(item.size), chosen: chosen.file.name, found: bytes(chosen.file.size) }));
        });
        return h("li", { class: "transfer", "data-key": item.id }, icon("file"),
            h("div", { class: "what" },
                h("p", { class: "name" }, item.label,
                    item.filename !== item.label && h("span", { class: "soft" }, " ", item.filename)),
                bar,
                h("p", { class: "state" },
                    item.size === null ? bytes(item.offset)
                        : [percent(item.offset, item.size), " · ", t("upload.bytes", { sent: bytes(item.offset), size: bytes(item.size) })],
                    ` · ${t("unfinished.begun")}`, when(item.created)),
                wrong),
            h("div", { class: "row tight" },
                button(t("unfinished.choose"), () => input.click(),
                    { look: "quiet", with: "play", "aria-label": t("unfinished.choose-of", { name: item.filename }) }),
                iconButton("trash", t("unfinished.discard", { name: item.filename }), () => this.discard(item, wrong)),
                input));
    }

    goOn(item, chosen) {
        this.resume([{ file: chosen.file, path: item.label }], item);
    }

    async discard(item, wrong) {
        if (!await confirmed(t("unfinished.discard-title"),
            t("unfinished.discard-text", { name: item.filename }), t("delete"))) return;
        try {
            await api.uploads.remove(item.id);
            this.items = this.items.filter((other) => other !== item);
            this.render();
        } catch (error) {
            replace(wrong, complaint(error));
        }
    }
}

const pathOf = (url) => new URL(url, document.baseURI).pathname;

/** Size and name; the first bytes are compared when it starts. */
const fits = (item, file) => item.filename === file.name &&
    (item.size === null ? file.size >= item.offset : item.size === file.size);
