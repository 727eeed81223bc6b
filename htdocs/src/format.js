// SPDX-License-Identifier: Apache-2.0
// Numbers, sizes and times, as the reader's language writes them.
import { locale, t } from "./i18n.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"];
const SPANS = [["year", 31557600], ["month", 2629800], ["day", 86400],
    ["hour", 3600], ["minute", 60], ["second", 1]];
const WHOLE = ["year", "month", "day"]; // words that are not worth shortening
/** Whoever has fewer seconds left is warned. */
export const SOON = 3 * 86400;

const unit = (value, name, digits) => new Intl.NumberFormat(locale, {
    style: "unit", unit: name, unitDisplay: WHOLE.includes(name) ? "long" : "short",
    maximumFractionDigits: digits,
}).format(value);

export const number = (value) => value.toLocaleString(locale);

export const percent = (part, whole) => new Intl.NumberFormat(locale, {
    style: "percent",
}).format(whole ? Math.floor((part / whole) * 100) / 100 : 1);

export function bytes(count) {
    if (count < 1000) return t("bytes", { count });
    let step = 0;
    while (count >= 999.5 && step < UNITS.length - 1) {
        count /= 1000;
        step++;
    }
    return unit(count, UNITS[step], step && count < 9.95 ? 1 : 0);
}

export const rate = (perSecond) => t("rate", { size: bytes(perSecond) });

/** The two largest units of a span in seconds. */
export function span(seconds) {
    const at = SPANS.findIndex(([, size]) => seconds >= size);
    if (at < 0) return unit(0, "second", 0);
    const [name, size] = SPANS[at];
    const whole = Math.floor(seconds / size);
    const next = SPANS[at + 1];
    const rest = next ? Math.floor((seconds - whole * size) / next[1]) : 0;
    const first = unit(whole, name, 0);
    return rest && whole < 10 ? `${first} ${unit(rest, next[0], 0)}` : first;
}

/** "3 hours ago", "in 29 days". */
export function relative(time) {
    const seconds = (new Date(time) - Date.now()) / 1000;
    const [name, size] = SPANS.find(([, length]) => Math.abs(seconds) >= length)
        ?? ["second", 1];
    return new Intl.RelativeTimeFormat(locale, { numeric: "auto" })
        .format(seconds < 0 ? Math.trunc(seconds / size) : Math.round(seconds / size), name);
}

export const moment = (time) => new Date(time).toLocaleString(locale,
    { dateStyle: "medium", timeStyle: "short" });

export const secondsUntil = (time) => (new Date(time) - Date.now()) / 1000;
