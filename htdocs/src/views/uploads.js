// SPDX-License-Identifier: Apache-2.0
// My uploads: a page of the list, which keeps itself fresh.
import * as api from "../api.js";
import { debounce, h, keepFocus, replace } from "../dom.js";
import { bytes, number } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { button, complaint, confirmed, empty, errorBox, field, heading, iconButton, skeleton, toast, when } from "../parts.js";
import { href, navigate, route as addressed } from "../router.js";
import * as session from "../session.js";
import { openDetail } from "./detail.js";
import { statusMark } from "./status.js";

const PAGE = 50;
const BUSY = 3000, IDLE = 30000; // milliseconds between looks
const FILTERS = ["", "success", "pending", "failure"];
const SORTS = { filename: "filename", size: "size", created: "created", expires: "expires" };

export function show(outlet, route) {
    const view = new Uploads(route);
    outlet.append(...view.parts());
    view.load();
    return view;
}

class Uploads {
    constructor(route) {
        this.route = route;
        this.before = []; // cursors of the pages that come before this one
        this.selected = new Set();
        this.rows = new Map();
        this.body = h("div");
        this.status = h("p", { class: "soft", role: "status" });
        this.bulk = h("div", { class: "bulk", hidden: true });
        this.onFocus = () => !document.hidden && this.refresh();
        document.addEventListener("visibilitychange", this.onFocus);
        this.openDetailOf(route.id);
    }

    leave() {
        document.removeEventListener("visibilitychange", this.onFocus);
        clearTimeout(this.timer);
        this.request?.abort();
        this.detail?.close();
        this.isGone = true;
    }

    /** The same view at another address. */
    follow(route) {
        const isSame = JSON.stringify(route.query) === JSON.stringify(this.route.query);
        this.route = route;
        this.openDetailOf(route.id);
        if (isSame) return;
        this.before = [];
        this.load();
    }

    get query() { return this.route.query; }

    get sort() { return this.query.sort ?? "-created"; }

    set(changes) {
        navigate(href("uploads", null, { ...this.query, ...changes }), { instead: true });
    }

    openDetailOf(id) {
        if (id === this.shownId) return;
        this.shownId = id;
        this.detail?.close();
        this.detail = id && openDetail(id, {
            onClose: () => {
                if (this.shownId !== id || this.isGone) return;
                this.shownId = undefined;
                // who is on the way to another address already goes there
                if (addressed().id === id) navigate(href("uploads", null, this.query));
            },
            onChange: () => this.refresh(),
        });
    }

    // --- parts ---------------------------------------------------------------

    parts() {
        const search = h("input", {
            type: "search", value: this.query.q ?? "", placeholder: t("uploads.search"), autocomplete: "off",
            "aria-label": t("uploads.search"),
            oninput: debounce(() => this.set({ q: search.value.trim() }), 250),
        });
        const filter = h("select", { onchange: () => this.set({ status: filter.value }) },
            FILTERS.map((value) => h("option", { value, selected: value === (this.query.status ?? "") },
                t(`filter.${value || "all"}`))));
        const sort = h("select", { onchange: () => this.set({ sort: sort.value }) },
            Object.keys(SORTS).flatMap((name) => [name, `-${name}`]).map((value) =>
                h("option", { value, selected: value === this.sort }, t(`sort.${value}`))));
        return [
            heading(t("uploads.title"), null,
                session.may("write") && h("a", { class: "button", href: href("upload") }, icon("upload"), h("span", null, t("nav.upload")))),
            h("div", { class: "tools" },
                h("div", { class: "search" }, icon("search"), search),
                field(t("uploads.filter"), filter), field(t("uploads.sort"), sort)),
            this.bulk, this.body,
        ];
    }

    table(items) {
        const all = h("input", {
            type: "checkbox", "aria-label": t("uploads.all"),
            onchange: () => this.select(items.map(({ id }) => id), all.checked),
        });
        this.all = all;
        this.rows.clear();
        return h("table", { role: "table", class: "short" },
            h("caption", { class: "hidden" }, t("uploads.title")),
            h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
                h("th", { role: "columnheader", scope: "col", class: "pick" }, all),
                this.column("filename", t("column.name")),
                this.column("size", t("column.size"), "number"),
                h("th", { role: "columnheader", scope: "col" }, t("column.status")),
                this.column("created", t("column.age")),
                this.column("expires", t("column.expires")),
                h("th", { role: "columnheader", scope: "col" }, h("span", { class: "hidden" }, t("column.actions"))))),
            h("tbody", { role: "rowgroup" }, items.map((item) => this.row(item))));
    }

    column(name, text, className = "") {
        const way = this.sort === name ? "ascending" : this.sort === `-${name}` ? "descending" : null;
        return h("th", { role: "columnheader", scope: "col", class: className, "aria-sort": way },
            h("button", {
                type: "button", class: "sort",
                onclick: () => this.set({ sort: way === "ascending" ? `-${name}` : name }),
            }, text, way && icon(way === "ascending" ? "up" : "down")));
    }

    row(item) {
        const known = this.rows.get(item.id);
        const text = JSON.stringify(item);
        if (known?.text === text) return known.element;
        const pick = h("input", {
            type: "checkbox", checked: this.selected.has(item.id), "aria-label": t("uploads.pick", { name: item.label }),
            onchange: () => this.select([item.id], pick.checked),
        });
        const cell = (className, name, ...children) => h("td", { role: "cell", class: className, "data-name": name }, children);
        const element = h("tr", { role: "row", "data-key": item.id },
            cell("pick", null, pick),
            cell("title", null,
                h("a", { href: href("uploads", item.id, this.query) }, item.label),
                item.filename !== item.label && h("span", { class: "soft file" }, item.filename)),
            cell("number", t("column.size"), item.size === null ? "–" : bytes(item.size)),
            cell("", t("column.status"), statusMark(item)),
            cell("", t("column.age"), when(item.created)),
            cell("named", t("column.expires"), when(item.expires, { until: true })),
            cell("actions", null,
                item.status === "success" && h("a", {
                    class: "icon-button", href: `${api.mountOf("upload")}/${item.id}/data`, download: item.filename,
                    "aria-label": t("download.of", { name: item.label }), title: t("download"),
                }, icon("download")),
                session.may("write") && iconButton("trash", t("delete.of", { name: item.label }), () => this.remove([item.id], item.label))));
        this.rows.set(item.id, { element, text, pick });
        return element;
    }

    // --- the list ------------------------------------------------------------

    async load(cursor = null) {
        this.cursor = cursor;
        if (!this.page) keepFocus(this.body, () => replace(this.body, skeleton(6)));
        try {
            const page = await this.fetch();
            if (!page) return;
            this.page = page;
            keepFocus(this.body, () => this.render());
        } catch (error) {
            this.page = null;
            replace(this.body, errorBox(error, () => this.load(cursor)));
        }
        this.lookAgain();
    }

    async fetch() {
        this.request?.abort();
        this.request = new AbortController();
        try {
            return await api.uploads.list({
                q: this.query.q, status: this.query.status, sort: this.sort === "-created" ? null : this.sort,
                limit: PAGE, after: this.cursor, count: this.cursor ? null : "yes",
            }, this.request.signal);
        } catch (error) {
            if (error.name === "AbortError") return null;
            throw error;
        }
    }

    /** What has not changed stays, and with it the focus of who reads. */
    async refresh() {
        try {
            const page = this.page && await this.fetch();
            if (page && JSON.stringify(page) !== JSON.stringify(this.page)) {
                this.page = page;
                keepFocus(this.body, () => this.update());
            }
        } catch {
            // the next look will tell
        }
        this.lookAgain();
    }

    lookAgain() {
        clearTimeout(this.timer);
        if (this.isGone || document.hidden) return;
        const isBusy = this.page?.items.some(({ status }) => status === "pending");
        this.timer = setTimeout(() => this.refresh(), isBusy ? BUSY : IDLE);
    }

    update() {
        const rows = this.body.querySelector("tbody");
        if (!rows || !this.page.items.length) return this.render();
        const wanted = this.page.items.map((item) => this.row(item));
        wanted.forEach((row, at) => {
            if (rows.children[at] !== row) rows.insertBefore(row, rows.children[at] ?? null);
        });
        while (rows.children.length > wanted.length) rows.lastChild.remove();
        return this.showCount();
    }

    render() {
        const { items } = this.page;
        if (!items.length) replace(this.body, this.nothing());
        else replace(this.body, this.table(items), h("div", { class: "row spread" }, this.status, this.pager()));
        this.showCount();
        this.showBulk();
    }

    nothing() {
        if (this.query.q || this.query.status)
            return empty("search", t("uploads.none"), t("uploads.none-text"),
                button(t("uploads.reset"), () => navigate(href("uploads")), { look: "quiet" }));
        if (this.before.length)
            return empty("uploads", t("uploads.end"), "", button(t("previous"), () => this.back(), { look: "quiet" }));
        return empty("upload", t("uploads.empty"), t("uploads.empty-text"),
            h("a", { class: "button", href: href("upload") }, t("nav.upload")));
    }

    pager() {
        return h("nav", { class: "row", "aria-label": t("uploads.pages") },
            button(t("previous"), () => this.back(), { look: "quiet", with: "left", disabled: !this.before.length }),
            button(t("next"), () => {
                this.before.push(this.cursor);
                this.turn(this.page.next);
            }, { look: "quiet", with: "right", disabled: !this.page.next }));
    }

    back() {
        this.turn(this.before.pop());
    }

    async turn(cursor) {
        await this.load(cursor);
        document.querySelector("h1")?.focus();
    }

    showCount() {
        const first = this.before.length * PAGE + 1;
        const last = first + this.page.items.length - 1;
        if (this.page.total) this.total = this.page.total;
        this.status.textContent = this.total
            ? t("uploads.range-of", { first: number(first), last: number(last), total: this.total.replace(/\d+/, (all) => number(Number(all))) })
            : t("uploads.range", { first: number(first), last: number(last) });
    }

    // --- what is selected ----------------------------------------------------

    select(ids, isWanted) {
        for (const id of ids) {
            this.selected[isWanted ? "add" : "delete"](id);
            const row = this.rows.get(id);
            if (row) row.pick.checked = isWanted;
        }
        this.showBulk();
    }

    showBulk() {
        const count = this.selected.size;
        const here = this.page?.items.filter(({ id }) => this.selected.has(id)).length ?? 0;
        if (this.all) {
            this.all.checked = here > 0 && here === this.page.items.length;
            this.all.indeterminate = here > 0 && here < this.page.items.length;
        }
        this.bulk.hidden = count === 0;
        keepFocus(this.bulk, () => replace(this.bulk, count > 0 && [
            h("p", { role: "status" }, t("uploads.selected", { count })),
            h("div", { class: "row" },
                button(t("uploads.unselect"), () => this.select([...this.selected], false), { look: "quiet" }),
                session.may("write") && button(t("delete"), () => this.remove([...this.selected]), { look: "danger", with: "trash" }))]));
    }

    async remove(ids, name) {
        const isMeant = await confirmed(t("delete.title", { count: ids.length }),
            name ? t("delete.text-one", { name }) : t("delete.text", { count: ids.length }), t("delete"));
        if (!isMeant) return;
        try {
            for (let at = 0; at < ids.length; at += 1000)
                await api.uploads.removeAll(ids.slice(at, at + 1000));
            for (const id of ids) this.selected.delete(id);
            toast(t("delete.done", { count: ids.length }));
        } catch (error) {
            toast(complaint(error));
        }
        await this.load(this.cursor);
    }
}
