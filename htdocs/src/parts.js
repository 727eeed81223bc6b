// SPDX-License-Identifier: Apache-2.0
// What several views are made of.
import { focusKeeper, freshId, h, replace } from "./dom.js";
import { moment, relative, secondsUntil, SOON } from "./format.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

/** A button with an icon, a text, or both; look: "", quiet, danger. */
export const button = (text, action, { look = "", with: drawing, ...more } = {}) =>
    h("button", { type: "button", class: `button ${look}`, onclick: action, ...more },
        drawing && icon(drawing), h("span", null, text));

/** A button that is an icon only: its name is for screen readers and as a tip. */
export const iconButton = (drawing, name, action, more = {}) =>
    h("button", { type: "button", class: "icon-button", "aria-label": name, title: name, onclick: action, ...more },
        icon(drawing));

const live = h("div", { class: "hidden", role: "status" });
const toasts = h("div", { class: "toasts", "aria-hidden": "true" }); // live says it
document.body.append(live, toasts);

/** Say it to who does not see the page change. */
export function announce(text) {
    live.textContent = "";
    setTimeout(() => { live.textContent = text; }, 50);
}

/** Say it to everybody, for some seconds. */
export function toast(text) {
    const shown = h("p", { class: "toast" }, text);
    toasts.append(shown);
    announce(text);
    setTimeout(() => shown.remove(), 5000);
}

export function copyButton(text, name = t("copy")) {
    const made = iconButton("copy", name, async () => {
        try {
            // there is none in a page that came by http from another machine
            await navigator.clipboard.writeText(text);
        } catch {
            toast(t("copy.failed"));
            return;
        }
        replace(made, icon("check"));
        announce(t("copied"));
        setTimeout(() => replace(made, icon("copy")), 1500);
    });
    return made;
}

/** Texts that are to be copied as they stand. */
export const snippet = (name, text) => h("figure", { class: "snippet" },
    h("figcaption", null, name, copyButton(text, t("copy.of", { name }))),
    h("pre", null, h("code", null, text)));

/** What went wrong, in a sentence. */
export function complaint(error) {
    if (error.status === 0) return t("error.silence");
    if (error.status === 429) return t("error.throttled", { count: error.retryAfter || 60 });
    return error.message ? t("error.said", { detail: error.message })
        : t("error.status", { status: String(error.status ?? error) });
}

export const errorBox = (error, again) => h("div", { class: "notice bad", role: "alert" },
    icon("warning"),
    h("div", null,
        h("p", null, complaint(error)),
        error.requestId && h("p", { class: "soft" }, t("error.request"), " ",
            h("code", null, error.requestId), copyButton(error.requestId, t("error.copy")))),
    again && button(t("again"), again, { look: "quiet" }));

export const empty = (drawing, title, text, ...actions) => h("div", { class: "empty" },
    icon(drawing), h("h2", null, title), h("p", { class: "soft" }, text), ...actions);

/** Grey bars where something will soon be. */
export const skeleton = (rows = 4) => h("div", { class: "skeleton", role: "status" },
    h("span", { class: "hidden" }, t("loading")),
    Array.from({ length: rows }, () => h("div", { class: "bar" })));

export const when = (time, { until = false } = {}) => h("time", {
    datetime: time, title: moment(time),
    class: until && secondsUntil(time) < SOON ? "warn" : "",
}, until && secondsUntil(time) < SOON && icon("clock"), relative(time));

/** A bar from 0 to 1; bar.set() moves it. */
export function progressBar(label) {
    const fill = h("div", { class: "fill" });
    const bar = h("div", {
        class: "progress", role: "progressbar", "aria-label": label,
        "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "0",
    }, fill);
    bar.set = (part) => {
        const whole = Math.floor(part * 100);
        fill.style.inlineSize = `${(part * 100).toFixed(1)}%`;
        bar.setAttribute("aria-valuenow", String(whole));
    };
    return bar;
}

/** An input that a button stands for. */
export const fileInput = (more) => h("input", {
    type: "file", hidden: true, tabindex: "-1", "aria-hidden": "true", ...more,
});

/** A label above an input, and below it a help or what is wrong. */
export function field(label, input, help) {
    input.id = freshId();
    const id = freshId();
    if (help) input.setAttribute("aria-describedby", id);
    return h("div", { class: "field" }, h("label", { for: input.id }, label), input,
        help && h("p", { class: "soft", id }, help));
}

/** A dialog that is modal; it goes when it is closed. */
export function openDialog(title, content, { className = "", onClose } = {}) {
    const id = freshId();
    const dialog = h("dialog", { class: className, "aria-labelledby": id },
        h("div", { class: "title" }, h("h2", { id }, title),
            iconButton("cross", t("close"), () => dialog.close())),
        h("div", { class: "content" }, content));
    const giveBack = focusKeeper();
    dialog.addEventListener("close", () => {
        dialog.remove();
        giveBack();
        onClose?.();
    });
    dialog.addEventListener("click", (event) => {
        if (event.target === dialog) dialog.close();
    });
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
}

/** Ask before something is lost. True if it is meant. */
export const confirmed = (title, text, action) => new Promise((resolve) => {
    let answer = false;
    const dialog = openDialog(title, [
        h("p", null, text),
        h("div", { class: "row end" },
            button(t("keep"), () => dialog.close(), { look: "quiet", autofocus: true }),
            button(action, () => { answer = true; dialog.close(); }, { look: "danger" })),
    ], { className: "small", onClose: () => resolve(answer) });
});

/** The first lines of a view. Its heading takes the focus. */
export const heading = (title, text, ...actions) => h("header", { class: "heading" },
    h("div", null, h("h1", { tabindex: "-1" }, title), text && h("p", { class: "soft" }, text)),
    h("div", { class: "row" }, ...actions));
