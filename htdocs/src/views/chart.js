// SPDX-License-Identifier: Apache-2.0
// A small line over time. Its numbers are in its name, for who cannot see it.
import { h, svg } from "../dom.js";
import { moment } from "../format.js";
import { t } from "../i18n.js";

const WIDTH = 320, HEIGHT = 80;

export function chart(name, times, values, format) {
    const most = Math.max(...values);
    const begin = new Date(times[0]).getTime();
    const length = Math.max(new Date(times.at(-1)) - begin, 1);
    const points = times.map((time, at) => [
        (new Date(time) - begin) / length * WIDTH,
        HEIGHT - 2 - values[at] / (most || 1) * (HEIGHT - 6)]);
    const line = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    return h("figure", { class: "chart" },
        h("figcaption", null, h("span", null, name), h("strong", null, format(values.at(-1)))),
        svg("svg", {
            viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
            "aria-label": t("chart.name", { name, from: format(Math.min(...values)), to: format(most), last: format(values.at(-1)) }),
        },
        svg("polygon", { class: "area", points: `0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}` }),
        svg("polyline", { class: "line", points: line, "vector-effect": "non-scaling-stroke" })),
        h("p", { class: "soft row spread" }, h("span", null, moment(times[0])), h("span", null, t("chart.most", { value: format(most) }))));
}
