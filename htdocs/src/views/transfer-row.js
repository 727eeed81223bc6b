// SPDX-License-Identifier: Apache-2.0
// One file of the queue, as a row that changes in its place.
import { h, replace } from "../dom.js";
import { bytes, percent, rate, span } from "../format.js";
import { isKnown, t } from "../i18n.js";
import { icon } from "../icons.js";
import { announce, complaint, iconButton, progressBar } from "../parts.js";
import { href } from "../router.js";
import * as queue from "../transfer/queue.js";

const QUIET = ["ready", "queued", "checking", "sending"]; // changes that nobody is told of
const GONE = [404, 410]; // the server has it no more

export function transferRow(transfer) {
    const name = transfer.path;
    const title = h("p", { class: "name" });
    const text = h("p", { class: "state" });
    const bar = progressBar(t("transfer.progress", { name }));
    const buttons = h("div", { class: "row tight" });
    const element = h("li", { class: "transfer" },
        icon("file"), h("div", { class: "what" }, title, bar, text), buttons);
    let shown;

    function update() {
        bar.set(transfer.size ? Math.min(1, sentOf(transfer) / transfer.size)
            : Number(transfer.state === "done"));
        replace(text, stateText(transfer));
        if (shown === transfer.state) return;
        shown = transfer.state;
        element.dataset.state = shown;
        bar.hidden = ["ready", "done"].includes(shown);
        replace(title, titleOf(transfer));
        const focused = buttons.contains(document.activeElement);
        replace(buttons, buttonsOf(transfer));
        if (focused) (buttons.querySelector("button") ?? title).focus();
        if (!QUIET.includes(shown) && isKnown(`state.${shown}`))
            announce(`${name}: ${t(`state.${shown}`)}`);
    }

    transfer.addEventListener("change", update);
    const timer = setInterval(() => transfer.isRunning && replace(text, stateText(transfer)), 1000);
    update();
    return {
        element,
        leave() {
            transfer.removeEventListener("change", update);
            clearInterval(timer);
        },
    };
}

const sentOf = (transfer) => transfer.sent || transfer.found?.offset || 0;

/** As long as it is ready its label can be changed. */
function titleOf(transfer) {
    if (transfer.state === "ready" && !transfer.found)
        return h("input", {
            type: "text", maxlength: "255", value: transfer.label, class: "label",
            "aria-label": t("transfer.label", { name: transfer.path }),
            oninput: ({ target }) => { transfer.label = target.value.trim() || transfer.path; },
        });
    const label = transfer.stored
        ? h("a", { href: href("uploads", transfer.stored.id) }, transfer.label) : transfer.label;
    return [h("span", null, label),
        transfer.label !== transfer.path && h("span", { class: "soft" }, " ", transfer.path)];
}

function stateText(transfer) {
    const size = bytes(transfer.size);
    switch (transfer.state) {
    case "ready":
        return transfer.found
            ? t("transfer.goes-on", { share: percent(transfer.found.offset, transfer.size), size })
            : `${transfer.path} · ${size}`;
    case "sending": {
        const { rate: speed } = transfer.pace;
        return [
            t("upload.bytes", { sent: bytes(sentOf(transfer)), size }),
            speed > 0 && rate(speed),
            speed > 0 && t("upload.left", { time: span((transfer.size - transfer.sent) / speed) }),
        ].filter(Boolean).join(" · ");
    }
    case "waiting":
        return `${t(navigator.onLine ? "state.waiting" : "state.offline")} ${complaint(transfer.error)}`;
    case "failed":
        return failure(transfer.error);
    case "done":
        return [icon("check"), t(transfer.matches ? "state.verified" : "state.done"), ` · ${size}`];
    case "paused":
        return `${t("state.paused")} · ${t("upload.bytes", { sent: bytes(sentOf(transfer)), size })}`;
    default:
        return `${t(`state.${transfer.state}`)} · ${size}`;
    }
}

const failure = (error) => [icon("warning"),
    error.key ? t(error.key) : complaint(error),
    error.requestId && h("span", { class: "soft" }, ` ${t("error.request")} `, h("code", null, error.requestId))];

function buttonsOf(transfer) {
    const name = transfer.path;
    const pause = () => iconButton("pause", t("transfer.pause", { name }), () => transfer.pause());
    const resume = () => iconButton("play", t("transfer.resume", { name }), () => queue.start([transfer]));
    const retry = () => iconButton("retry", t("transfer.retry", { name }), () => {
        if (transfer.stored || GONE.includes(transfer.error?.status)) transfer.beginAnew();
        queue.start([transfer]);
    });
    const cancel = () => iconButton("cross", t("transfer.cancel", { name }), () => queue.remove(transfer));
    switch (transfer.state) {
    case "done": return [];
    case "finishing": return [];
    case "failed":
        return transfer.error?.key === "transfer.too-large" ? [cancel()] : [retry(), cancel()];
    case "paused": return [resume(), cancel()];
    case "ready": return [cancel()];
    default: return [pause(), cancel()];
    }
}
