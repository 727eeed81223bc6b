// SPDX-License-Identifier: Apache-2.0
// The one way in which this page makes elements. Texts become text nodes, so
// nothing that a user has written can ever become markup.

const SVG = "http://www.w3.org/2000/svg";

function setProperty(element, name, value) {
    if (value === undefined || value === null || value === false) return;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "indeterminate")
        element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
}

function fill(element, properties, children) {
    for (const [name, value] of Object.entries(properties ?? {}))
        setProperty(element, name, value);
    element.append(...children.flat(Infinity).filter(
        (child) => child !== undefined && child !== null && child !== false));
    return element;
}

/** h("button", {class: "quiet", onclick: act}, "Text", child, [more]) */
export const h = (name, properties, ...children) =>
    fill(document.createElement(name), properties, children);

/** The same for a drawing. */
export const svg = (name, properties, ...children) =>
    fill(document.createElementNS(SVG, name), properties, children);

/** Put these children in place of all that an element has. */
export function replace(element, ...children) {
    element.replaceChildren();
    return fill(element, null, children);
}

const CONTROLS = "a[href], button:enabled, input:enabled, select:enabled, [tabindex='0']";
const controlsOf = (element) => [...element.querySelectorAll(CONTROLS)];
const nameOf = (control) => [control.closest("[data-key]")?.dataset.key,
    control.getAttribute("aria-label") ?? control.textContent].join();

/** Change what is in an element. Who is in there with the focus stays at the
 * same control, or at the next one where that is gone. */
export function keepFocus(element, change) {
    const at = controlsOf(element).indexOf(document.activeElement);
    const back = focusKeeper();
    change();
    if (at < 0) return;
    const left = controlsOf(element);
    back(left[Math.min(at, left.length - 1)]);
}

/** A function that gives a lost focus back to the control that has it now, or
 * to one of the same name; else to another, or to the heading. */
export function focusKeeper() {
    const focused = document.activeElement;
    const name = focused !== document.body && nameOf(focused);
    return (other) => {
        if (!name || document.activeElement !== document.body) return;
        const same = focused.isConnected ? focused
            : controlsOf(document).find((control) => nameOf(control) === name);
        (same ?? other ?? document.querySelector("h1"))?.focus();
    };
}

let serial = 0;
/** An id for what has to be named by another element. */
export const freshId = () => `n${++serial}`;

/** Call it once the caller has been quiet for a while. */
export function debounce(action, milliseconds) {
    let timer;
    return (...values) => {
        clearTimeout(timer);
        timer = setTimeout(() => action(...values), milliseconds);
    };
}
