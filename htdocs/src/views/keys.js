// SPDX-License-Identifier: Apache-2.0
// The API keys of the account.
import * as api from "../api.js";
import { h, keepFocus, replace } from "../dom.js";
import { t } from "../i18n.js";
import { button, complaint, confirmed, copyButton, empty, errorBox, field, heading, openDialog, skeleton, toast, when } from "../parts.js";

const LIFETIMES = [30, 90, 365, 0]; // days

export function show(outlet) {
    const body = h("div", null, skeleton());
    const load = async () => {
        try {
            const keys = await api.session.keys();
            keepFocus(body, () => replace(body, keys.length ? table(keys, load)
                : empty("keys", t("keys.empty"), t("keys.empty-text"))));
        } catch (error) {
            replace(body, errorBox(error, load));
        }
    };
    outlet.append(heading(t("keys.title"), t("keys.text"),
        button(t("keys.new"), () => openNew(load), { with: "keys" })), body);
    load();
}

function table(keys, load) {
    const column = (text) => h("th", { role: "columnheader", scope: "col" }, text);
    return h("table", { role: "table" },
        h("caption", { class: "hidden" }, t("keys.title")),
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
            column(t("keys.label")), column(t("keys.scopes")), column(t("keys.created")), column(t("keys.used")),
            column(t("column.expires")), column(h("span", { class: "hidden" }, t("column.actions"))))),
        h("tbody", { role: "rowgroup" }, keys.map((key) => row(key, load))));
}

const isOver = ({ revoked, expires }) => revoked || expires && new Date(expires) < Date.now();

function row(key, load) {
    const cell = (name, ...children) => h("td", { role: "cell", "data-name": name }, children);
    return h("tr", { role: "row", class: isOver(key) ? "over" : "", "data-key": key.id },
        h("td", { role: "cell", class: "title" }, key.label || t("keys.unnamed"),
            h("code", { class: "soft file" }, `${key.hint}…`)),
        cell(t("keys.scopes"), key.scopes.map((scope) => t(`scope.${scope}`)).join(", ")),
        cell(t("keys.created"), when(key.created)),
        cell(t("keys.used"), key.last_used ? when(key.last_used) : t("keys.never")),
        cell(t("column.expires"), key.revoked ? t("keys.revoked") : key.expires ? when(key.expires, { until: true }) : t("keys.forever")),
        h("td", { role: "cell", class: "actions" }, !isOver(key) && button(t("keys.revoke"), async () => {
            if (!await confirmed(t("keys.revoke-title"), t("keys.revoke-text", { name: key.label || key.hint }), t("keys.revoke"))) return;
            try {
                await api.session.revokeKey(key.id);
                toast(t("keys.revoke-done"));
            } catch (error) {
                toast(complaint(error));
            }
            load();
        }, { look: "quiet", "aria-label": t("keys.revoke-of", { name: key.label || key.hint }) })));
}

function openNew(load) {
    const label = h("input", { type: "text", maxlength: "255", required: true, placeholder: t("keys.example") });
    const scopes = h("select", null, h("option", { value: "read,write" }, t("scopes.both")), h("option", { value: "read" }, t("scopes.read")));
    const days = h("select", null, LIFETIMES.map((count) =>
        h("option", { value: String(count), selected: count === 365 }, count ? t("days", { count }) : t("keys.forever"))));
    const wrong = h("p", { class: "bad", role: "alert" });
    const submit = h("button", { type: "submit", class: "button" }, t("keys.create"));
    const content = h("form", {
        onsubmit: async (event) => {
            event.preventDefault();
            submit.disabled = true;
            try {
                const made = await api.session.createKey({
                    label: label.value.trim(), scopes: scopes.value.split(","), expires_days: Number(days.value) || null,
                });
                replace(content.parentElement, made.key && shown(made.key, () => dialog.close()));
                load();
            } catch (error) {
                submit.disabled = false;
                replace(wrong, complaint(error));
            }
        },
    }, field(t("keys.label"), label, t("keys.label-help")), field(t("keys.scopes"), scopes), field(t("keys.lifetime"), days), wrong,
    h("div", { class: "row end" }, submit));
    const dialog = openDialog(t("keys.new"), content, { className: "small" });
}

const shown = (key, close) => [
    h("p", null, t("keys.once")),
    h("p", { class: "secret" }, h("code", null, key), copyButton(key, t("keys.copy"))),
    h("div", { class: "row end" }, button(t("keys.kept"), close)),
];
