// SPDX-License-Identifier: Apache-2.0
// All there is to know of one upload, in a sheet over the list.
import * as api from "../api.js";
import { h, keepFocus, replace } from "../dom.js";
import { bytes, moment } from "../format.js";
import { isKnown, t } from "../i18n.js";
import { icon } from "../icons.js";
import { button, confirmed, copyButton, errorBox, openDialog, skeleton, snippet, toast, when } from "../parts.js";
import { href } from "../router.js";
import * as session from "../session.js";
import { statusMark } from "./status.js";
import { curlText, emlText } from "./snippets.js";

const DIGESTS = { sha256: "SHA-256", sha512: "SHA-512", sha1: "SHA-1", md5: "MD5" };

const EVERY = 3000; // milliseconds between looks at what is still arriving

export function openDetail(id, { onClose, onChange }) {
    const content = h("div", null, skeleton(5));
    const dialog = openDialog(t("detail.title"), content, { className: "sheet", onClose });
    let shown;
    const load = async () => {
        try {
            const upload = await api.uploads.get(id);
            if (upload.status === "pending" && dialog.open) setTimeout(load, EVERY);
            if (JSON.stringify(upload) === shown) return;
            shown = JSON.stringify(upload);
            dialog.querySelector("h2").textContent = upload.label;
            const history = h("ol", { class: "history" });
            keepFocus(content, () => replace(content, parts(upload, history, async () => {
                if (await remove(upload, content)) {
                    dialog.close();
                    onChange();
                }
            })));
            showHistory(history, id);
        } catch (error) {
            shown = null;
            replace(content, errorBox(error.status === 404
                ? Object.assign(error, { message: t("detail.gone") }) : error, load));
        }
    };
    load();
    return dialog;
}

function parts(upload, history, onDelete) {
    const url = new URL(upload.data_url, document.baseURI).href;
    return [
        h("div", { class: "row" }, statusMark(upload),
            upload.message && h("p", { class: "bad" }, upload.message)),
        h("div", { class: "row actions" },
            upload.status === "success" && h("a", { class: "button", href: url, download: upload.filename },
                icon("download"), h("span", null, t("download"))),
            upload.offset !== undefined && upload.offset !== upload.size && session.may("write") &&
                h("a", { class: "button", href: href("upload") }, icon("play"), h("span", null, t("detail.go-on"))),
            session.may("write") && button(t("delete"), onDelete, { look: "danger", with: "trash" })),
        facts(upload),
        upload.status === "success" && [
            h("h3", null, t("detail.checksums")), checksums(upload),
            h("h3", null, t("detail.use")),
            snippet(t("detail.url"), url),
            snippet("curl", curlText(upload, url)),
            snippet("EML", emlText(upload, url)),
        ],
        h("h3", null, t("detail.history")), history,
    ];
}

function facts(upload) {
    const rows = [
        [t("column.file"), upload.filename],
        [t("column.size"), upload.size === null ? null
            : `${bytes(upload.size)}${upload.size >= 1000 ? ` (${t("bytes", { count: upload.size })})` : ""}`],
        [t("column.type"), upload.content_type],
        [t("column.created"), `${moment(upload.created)}`],
        [t("column.expires"), [moment(upload.expires), " · ", when(upload.expires, { until: true })]],
        [t("column.id"), [h("code", null, upload.id), copyButton(upload.id, t("copy.of", { name: t("column.id") }))]],
    ];
    return h("dl", { class: "facts" }, rows.filter(([, value]) => value)
        .map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}

const checksums = (upload) => h("dl", { class: "facts" },
    Object.entries(DIGESTS).filter(([key]) => upload[key]).map(([key, name]) => [
        h("dt", null, name),
        h("dd", null, h("code", null, upload[key]), copyButton(upload[key], t("copy.of", { name }))),
    ]));

async function showHistory(list, id) {
    try {
        const events = await api.uploads.events(id);
        replace(list, events.map(({ at, last, count, event, detail }) => h("li", null,
            h("time", { datetime: at }, moment(at)),
            h("span", null, isKnown(`event.${event}`) ? t(`event.${event}`) : event,
                count > 1 && h("span", { class: "soft" }, ` · ${t("event.times", { count, last: moment(last) })}`),
                detail && h("span", { class: "soft block" }, detail)))));
    } catch (error) {
        list.replaceWith(errorBox(error));
    }
}

async function remove(upload, content) {
    if (!await confirmed(t("delete.title", { count: 1 }), t("delete.text-one", { name: upload.label }), t("delete")))
        return false;
    try {
        await api.uploads.remove(upload.id);
    } catch (error) {
        content.prepend(errorBox(error));
        return false;
    }
    toast(t("delete.done", { count: 1 }));
    return true;
}
