// SPDX-License-Identifier: Apache-2.0
// Texts from a catalogue, with plurals by the rules of its language. A key
// that depends on a count stands there once for each form: "files.one",
// "files.other".

const CATALOGUES = {
    en: () => import("../locale/en.json"),
    de: () => import("../locale/de.json"),
    fr: () => import("../locale/fr.json"),
};
export const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français" };

let texts = {};
let plural;
export let locale = "en";

function preferred() {
    const wanted = [localStorage.getItem("language"), ...navigator.languages];
    for (const tag of wanted)
        if (tag && CATALOGUES[tag.slice(0, 2)]) return tag;
    return "en";
}

/** Load the catalogue of the chosen language, or of the browser's. */
export async function loadLanguage() {
    locale = preferred();
    const language = locale.slice(0, 2);
    texts = (await CATALOGUES[language]()).default;
    plural = new Intl.PluralRules(locale);
    document.documentElement.lang = language;
}

export function chooseLanguage(language) {
    localStorage.setItem("language", language);
    return loadLanguage();
}

/** Text of a key; {name} in it is replaced by the value of that name. */
export function t(key, values = {}) {
    const form = values.count === undefined ? key
        : `${key}.${plural.select(Number(values.count))}`;
    const text = texts[form] ?? texts[`${key}.other`] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => {
        const value = values[name];
        if (value === undefined) return whole;
        return typeof value === "number" ? value.toLocaleString(locale) : value;
    });
}

/** Is there such a text? For words that a newer server may say. */
export const isKnown = (key) => key in texts;
