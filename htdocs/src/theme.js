// SPDX-License-Identifier: Apache-2.0
// Light, dark, or what the system says.

export const THEMES = ["system", "light", "dark"];

export const theme = () => localStorage.getItem("theme") ?? "system";

export function chooseTheme(name) {
    localStorage.setItem("theme", name);
    applyTheme();
}

export function applyTheme() {
    document.documentElement.dataset.theme = theme();
}
