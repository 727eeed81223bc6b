// SPDX-License-Identifier: Apache-2.0
// In the head of every view: what is on its way.
import { activity } from "./activity.js";
import { h, replace } from "./dom.js";
import { percent } from "./format.js";
import { t } from "./i18n.js";
import { href } from "./router.js";

export function activityBar() {
    const element = h("a", { class: "activity", href: href("upload"), hidden: true });
    const update = () => {
        const { sum } = activity;
        element.hidden = !sum?.isRunning;
        replace(element, sum && t("activity", { share: percent(sum.sent, sum.size) }));
    };
    activity.addEventListener("change", update);
    return { element, update };
}
