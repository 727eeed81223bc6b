// SPDX-License-Identifier: Apache-2.0
// How the service does: for operators.
import * as api from "../api.js";
import { h, keepFocus, replace } from "../dom.js";
import { bytes, moment, number } from "../format.js";
import { t } from "../i18n.js";
import { button, complaint, errorBox, heading, skeleton, toast, when } from "../parts.js";
import { chart } from "./chart.js";

const EVERY = 15000; // milliseconds
const HOURS = 24;
const CHARTS = [["arriving", number], ["bytes", bytes], ["jobs", number], ["failed", number]];

export function show(outlet) {
    const body = h("div", null, skeleton(6));
    let timer, isGone;
    const load = async () => {
        clearTimeout(timer);
        try {
            const told = await Promise.all([api.operation.now(), api.operation.history(HOURS),
                api.operation.failures(), api.operation.parked()]);
            keepFocus(body, () => replace(body, parts(...told, load)));
        } catch (error) {
            replace(body, errorBox(error, load));
        }
        clearTimeout(timer);
        if (!isGone && !document.hidden) timer = setTimeout(load, EVERY);
    };
    const look = () => (document.hidden ? clearTimeout(timer) : load());
    document.addEventListener("visibilitychange", look);
    outlet.append(heading(t("operation.title"), t("operation.text"),
        button(t("operation.refresh"), load, { look: "quiet", with: "retry" })), body);
    load();
    return () => {
        isGone = true;
        clearTimeout(timer);
        document.removeEventListener("visibilitychange", look);
    };
}

const parts = (now, history, failures, parked, load) => [
    h("section", { class: "figures", "aria-label": t("operation.now") }, figures(now)),
    h("section", { "aria-labelledby": "charts" }, h("h2", { id: "charts" }, t("operation.history", { count: HOURS })),
        history.figures.at.length > 1
            ? h("div", { class: "charts" },
                CHARTS.map(([key, format]) => chart(t(`figure.${key}`), history.figures.at, history.figures[key], format)))
            : h("p", { class: "soft" }, t("operation.young"))),
    h("section", { "aria-labelledby": "parked" }, h("h2", { id: "parked" }, t("operation.parked")),
        parked.length ? jobs(parked, load) : h("p", { class: "soft" }, t("operation.parked-none"))),
    h("section", { "aria-labelledby": "failures" }, h("h2", { id: "failures" }, t("operation.failures")),
        failures.length ? failed(failures) : h("p", { class: "soft" }, t("operation.failures-none"))),
];

const figure = (name, value, note) => h("div", { class: "figure" },
    h("p", { class: "soft" }, name), h("p", { class: "value" }, value), note && h("p", { class: "soft" }, note));

const silent = (those, text) => those.length > 0 && h("span", { class: "bad" },
    `${text} ${those.map(({ name, host }) => name ?? host).join(", ")}`);

const figures = (now) => [
    figure(t("figure.arriving"), number(now.arriving), t("figure.unfinished", { count: now.unfinished })),
    figure(t("figure.bytes"), now.stored ? bytes(now.stored.bytes) : "–",
        now.stored && t("figure.uploads", { count: now.stored.uploads })),
    figure(t("figure.jobs"), number(now.jobs),
        h("span", { class: now.parked ? "bad" : "" }, t("figure.parked", { count: now.parked }))),
    figure(t("figure.garbage"), number(now.garbage),
        now.gc_errors > 0 && h("span", { class: "bad" }, t("figure.gc-errors", { count: now.gc_errors }))),
    figure(t("figure.nodes"), number(now.nodes.length), silent(now.nodes.filter((node) => node.is_suspected), t("figure.suspected"))),
    figure(t("figure.stores"), number(now.stores.length), silent(now.stores.filter((store) => store.is_down), t("figure.down"))),
];

const column = (text) => h("th", { role: "columnheader", scope: "col" }, text);
const cell = (name, ...children) => h("td", { role: "cell", "data-name": name }, children);

const table = (title, columns, rows) => h("table", { role: "table" },
    h("caption", { class: "hidden" }, title),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map(column))),
    h("tbody", { role: "rowgroup" }, rows.map((cells) => h("tr", { role: "row" }, cells))));

const jobs = (parked, load) => table(t("operation.parked"),
    [t("job.kind"), t("job.error"), t("job.attempts"), t("job.since"), h("span", { class: "hidden" }, t("column.actions"))],
    parked.map((job) => [
        h("td", { role: "cell", class: "title" }, job.kind),
        cell(t("job.error"), job.last_error ?? ""), cell(t("job.attempts"), number(job.attempts)),
        cell(t("job.since"), when(job.created)),
        h("td", { role: "cell", class: "actions", "data-key": job.id }, button(t("again"), async () => {
            try {
                await api.operation.retry(job.id);
                toast(t("job.retried"));
            } catch (error) {
                toast(complaint(error));
            }
            load();
        }, { look: "quiet", with: "retry", "aria-label": t("job.retry", { name: job.kind }) })),
    ]));

const failed = (failures) => table(t("operation.failures"),
    [t("column.name"), t("column.owner"), t("failure.reason"), t("failure.at")],
    failures.map((failure) => [
        h("td", { role: "cell", class: "title" }, failure.label, failure.filename !== failure.label &&
            h("span", { class: "soft file" }, failure.filename)),
        cell(t("column.owner"), failure.account ?? failure.owner), cell(t("failure.reason"), failure.message),
        cell(t("failure.at"), h("time", { datetime: failure.at }, moment(failure.at))),
    ]));

