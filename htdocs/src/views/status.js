// SPDX-License-Identifier: Apache-2.0
// The status of an upload, in words.
import { h } from "../dom.js";
import { percent } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";

const DRAWINGS = { success: "check", failure: "warning", pending: "clock" };

export function statusText({ status, offset, size }) {
    if (status !== "pending") return t(`status.${status}`);
    if (offset === undefined || offset === size) return t("status.finishing");
    return size === null ? t("status.arriving") : t("status.arriving-at", { share: percent(offset, size) });
}

export const statusMark = (upload) => h("span", {
    class: `status ${upload.status}`, title: upload.message,
}, icon(DRAWINGS[upload.status]), statusText(upload));
