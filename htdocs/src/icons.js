// SPDX-License-Identifier: Apache-2.0
// A few line drawings on a grid of 24. They say nothing to screen readers:
// the text beside them, or the name of their button, does.
import { svg } from "./dom.js";

const PATHS = {
    upload: "M12 16V5m0 0L7.5 9.5M12 5l4.5 4.5M4.5 15.5v2a2.5 2.5 0 0 0 2.5 2.5h10a2.5 2.5 0 0 0 2.5-2.5v-2",
    download: "M12 4.5v11m0 0 4.5-4.5M12 15.5 7.5 11M4.5 15.5v2A2.5 2.5 0 0 0 7 20h10a2.5 2.5 0 0 0 2.5-2.5v-2",
    uploads: "M8.5 6.5h11m-11 5.5h11m-11 5.5h11M4.6 6.5h.01M4.6 12h.01M4.6 17.5h.01",
    keys: "M12 15.5a3.75 3.75 0 1 1-7.5 0 3.75 3.75 0 0 1 7.5 0m-1.1-2.7L19.5 4m-3 3 2.75 2.75M13 10.6l2 2",
    operation: "M4.5 19.5h15M6.5 16v-4m5.5 4V5.5m5.5 10.5V9",
    api: "m8.5 7-5 5 5 5m7-10 5 5-5 5m-2-12-3 14",
    check: "m5 12.5 4.5 4.5L19 7.5",
    cross: "m6.5 6.5 11 11m0-11-11 11",
    pause: "M9 6v12m6-12v12",
    play: "M8 5.5v13l10.5-6.5z",
    retry: "M19 12a7 7 0 1 1-2.1-5M19 4v4h-4",
    copy: "M9 9h10v10.5H9zM5.5 15H5V4.5h10V5",
    trash: "M5 7h14M10 7V4.5h4V7m-7.5 0 .8 12.5h9.4L17.5 7M10.5 10.5v5.5m3-5.5v5.5",
    search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13m4.7-1.8L20 20",
    folder: "M3.5 18.5v-13h6l2 2.5h9v10.5z",
    file: "M6 3.5h8l4.5 4.5v12.5H6zM13.5 4v4.5H18",
    warning: "M12 4 3 19.5h18zM12 10v4.5m0 2.3h.01",
    up: "m6.5 14.5 5.5-5.5 5.5 5.5",
    down: "m6.5 9.5 5.5 5.5 5.5-5.5",
    left: "M14.5 6.5 9 12l5.5 5.5",
    right: "M9.5 6.5 15 12l-5.5 5.5",
    person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8m-7.5 8c.5-4 3.5-5.5 7.5-5.5s7 1.5 7.5 5.5",
    clock: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17M12 7.5V12l3 2",
};

export const icon = (name) => svg("svg", {
    class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false",
}, svg("path", { d: PATHS[name] }));
