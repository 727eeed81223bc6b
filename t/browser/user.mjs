// SPDX-License-Identifier: Apache-2.0
// Somebody with a browser: opens the dashboard and notices what is wrong with
// it, whatever the walk is about.
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export class User {
    constructor(options) {
        this.options = options;
        this.complaints = [];
        this.expected = [];
        this.told = {};
    }

    async begin() {
        this.browser = await chromium.launch({ executablePath: this.options.chromium });
        await this.comeAgain();
    }

    /** In a new profile, as on another machine. */
    async comeAgain(more = {}) {
        await this.context?.close();
        this.context = await this.browser.newContext({
            locale: "en-GB", viewport: { width: 1280, height: 860 }, ...this.options.context, ...more,
        });
        this.context.setDefaultTimeout(this.options.patience ?? 20000);
        await this.context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: this.options.url });
        await this.context.exposeFunction("tellComplaint", (text) => this.complaints.push(text));
        await this.context.addInitScript(() => addEventListener("securitypolicyviolation",
            (event) => window.tellComplaint(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
        await this.openPage();
    }

    /** Another tab of the same browser. */
    async openPage() {
        this.devtools = null;
        this.page = await this.context.newPage();
        this.page.on("console", (message) => {
            if (["error", "warning"].includes(message.type()))
                this.complaints.push(`console: ${message.text()}`);
        });
        this.page.on("pageerror", (error) => this.complaints.push(`script: ${error}`));
        this.page.on("dialog", (dialog) => {
            if (dialog.type() !== "beforeunload") this.complaints.push(`dialog: ${dialog.message()}`);
            dialog.accept().catch(() => {});
        });
        this.page.on("request", (request) => {
            const url = request.url();
            if (![this.options.url, ...this.options.hosts].some((host) => url.startsWith(host)) && !/^(data|blob):/.test(url))
                this.complaints.push(`elsewhere: ${url}`);
        });
    }

    /** The walk will make such a complaint. */
    expect(pattern) { this.expected.push(pattern); }

    unexpected() {
        return this.complaints.filter((text) => !this.expected.some((pattern) => pattern.test(text)));
    }

    goto(view = "") { return this.page.goto(`${this.options.url}/#/${view}`); }

    /** Until no dialog is left: a moment after it is hidden. */
    dialogGone() { return this.page.locator("dialog").first().waitFor({ state: "detached" }); }

    /** page: also that of another browser. */
    async signIn(page = this.page) {
        await page.goto(this.options.url);
        await page.getByLabel("Account", { exact: true }).fill(this.options.name);
        await page.getByLabel("Password").fill(this.options.password);
        await page.getByRole("button", { name: "Sign in", exact: true }).click();
        await page.getByRole("link", { name: "My uploads" }).waitFor();
    }

    /** What has the focus: its name, or else its element's. */
    focused() {
        return this.page.evaluate(() => {
            const { activeElement: it } = document;
            if (it === document.body) return "body";
            return it.getAttribute("aria-label") ?? (it.innerText?.trim() || it.type || it.localName);
        });
    }

    /** Press Tab until this has the focus; what had it on the way. */
    async tabTo(name) {
        const path = [];
        for (let step = 0; step < 60; step++) {
            await this.page.keyboard.press("Tab");
            path.push(await this.focused());
            if (path.at(-1) === name) return path;
        }
        throw new Error(`Tab does not lead to ${name}: ${path.join(" | ")}`);
    }

    /** From now on said() is all that screen readers were told. */
    async listen() {
        await this.page.evaluate(() => {
            window.said = [];
            new MutationObserver((changes) => {
                for (const { target } of changes) {
                    const live = target.parentElement?.closest("[role=status], [role=alert]") ?? target.closest?.("[role=status], [role=alert]");
                    if (live?.textContent) window.said.push(live.textContent);
                }
            }).observe(document.body, { childList: true, characterData: true, subtree: true });
        });
    }

    said() { return this.page.evaluate(() => window.said); }

    /** What axe finds here. */
    async look(where) {
        await this.page.evaluate(() => document.fonts.ready);
        const { violations } = await new AxeBuilder({ page: this.page }).withTags(RULES).analyze();
        for (const { id, nodes } of violations)
            this.complaints.push(`axe: ${where}: ${id}: ${nodes.map(({ target }) => target.join(" ")).slice(0, 3).join(", ")}`);
    }

    /** Ask the test for something that no page can do, and wait until it is. */
    ask(what) {
        console.log(JSON.stringify({ ...this.told, ask: what }));
        return new Promise((resolve) => { process.stdin.once("data", resolve); });
    }

    row(text) { return this.page.locator(".transfer", { hasText: text }); }

    button(name) { return this.page.getByRole("button", { name, exact: true }); }
}
