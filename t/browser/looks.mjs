// SPDX-License-Identifier: Apache-2.0
// Every view in every state: for axe, for phones, and for the eye.
import { mkdirSync } from "node:fs";

const LOOKS = {
    "desk-light": { viewport: { width: 1280, height: 860 }, colorScheme: "light" },
    "desk-dark": { viewport: { width: 1280, height: 860 }, colorScheme: "dark" },
    "phone-light": { viewport: { width: 390, height: 844 }, colorScheme: "light" },
    "phone-dark": { viewport: { width: 390, height: 844 }, colorScheme: "dark" },
    "small": { viewport: { width: 320, height: 640 }, colorScheme: "light" },
};

const dialog = (page) => page.getByRole("dialog").waitFor();
const rows = (page) => page.locator("tbody tr").first().waitFor();
const files = [["sites.csv", 3e6], ["levels-2026.nc", 8e6], ["photo.jpg", 900]].map(
    ([name, size]) => ({ name, mimeType: "text/csv", buffer: Buffer.alloc(size, "x") }));

/** Those before anybody has signed in; the session lasts through the others. */
const outside = {
    "sign-in": ({ page }) => page.getByLabel("Password").waitFor(),
    "sign-in-refused": async ({ page, user }) => {
        user.expect(/status of 401/);
        await page.getByLabel("Account", { exact: true }).fill("nobody");
        await page.getByLabel("Password").fill("nothing");
        await page.keyboard.press("Enter");
        await page.getByText("not accepted").waitFor();
    },
    "api": async ({ page, user }) => {
        await user.goto("api");
        await page.locator(".operation summary").nth(1).click();
    },
    "api-contents": async ({ page, user }) => {
        await user.goto("api/uploads.stage");
        await page.locator(".operation[open]").waitFor();
        await page.getByRole("heading", { level: 1 }).scrollIntoViewIfNeeded();
        await page.locator(".contents details").first().evaluate((details) => { details.open = true; });
    },
};

const inside = {
    "upload": async ({ page, user }) => {
        await user.goto("upload");
        await page.getByText("Drop files").waitFor();
    },
    "upload-ready": async (at) => {
        await inside.upload(at);
        await at.page.locator(".drop input[type=file]").first().setInputFiles(files);
        await at.page.locator(".transfer input").first().waitFor();
    },
    "upload-sending": async (at) => {
        await inside["upload-ready"](at);
        const devtools = await at.user.context.newCDPSession(at.page);
        await devtools.send("Network.emulateNetworkConditions",
            { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 1e6 });
        await at.page.getByRole("button", { name: /^Upload \d/ }).click();
        await at.page.waitForTimeout(2500);
    },
    "uploads": async ({ page, user }) => {
        await user.goto("uploads");
        await rows(page);
    },
    "uploads-selected": async (at) => {
        await inside.uploads(at);
        for (const row of [1, 3]) await at.page.locator(".pick input").nth(row).check();
    },
    "uploads-delete": async (at) => {
        await inside["uploads-selected"](at);
        await at.page.locator(".bulk .danger").click();
        await dialog(at.page);
    },
    "uploads-none": async ({ page, user }) => {
        await user.goto("uploads?q=there-is-no-such-thing");
        await page.locator(".empty").waitFor();
    },
    "uploads-error": async ({ page, user }) => {
        user.expect(/status of 503/);
        await page.route(/\/upload\?.*q=error/, (route) => route.fulfill({
            status: 503, json: { detail: "the database does not answer", request_id: "aQ8r8n8AAQEAAC4xV7QAAABA" } }));
        await user.goto("uploads?q=error");
        await page.locator(".notice").waitFor();
    },
    "uploads-loading": async ({ page, user }) => {
        await page.route(/\/upload\?.*q=loading/, () => {});
        await user.goto("uploads?q=loading");
        await page.locator(".skeleton").waitFor();
    },
    "detail": async ({ page, user }) => {
        await user.goto("uploads?status=success");
        await page.locator("tbody .title a").first().click();
        await page.locator(".history li").first().waitFor();
    },
    "detail-failure": async ({ page, user }) => {
        await user.goto("uploads?status=failure");
        await page.locator("tbody .title a").first().click();
        await page.locator(".history li").first().waitFor();
    },
    "keys": async ({ page, user }) => {
        await user.goto("keys");
        await rows(page);
    },
    "keys-new": async (at) => {
        await inside.keys(at);
        await at.user.button("New key").click();
        await dialog(at.page);
    },
    "operation": async ({ page, user }) => {
        await user.goto("operation");
        await page.locator(".figure").first().waitFor();
    },
    "menu": async (at) => {
        await inside.uploads(at);
        await at.page.locator(".menu summary").click();
    },
};

/** visit(name, look) is called in each state of each view. */
async function visitAll(user, looks, visit) {
    for (const look of looks) {
        const context = { ...LOOKS[look], reducedMotion: "reduce" };
        await user.comeAgain(context);
        for (const [name, go] of Object.entries(outside)) {
            await user.goto();
            await go({ page: user.page, user });
            await visit(name, look);
        }
        await user.signIn();
        const cookies = await user.context.cookies();
        for (const [name, go] of Object.entries(inside)) {
            if (name === "operation" && !user.options.operator) continue;
            await user.comeAgain(context);
            await user.context.addCookies(cookies);
            await go({ page: user.page, user });
            await visit(name, look);
        }
    }
}

/** The same in other languages: words are longer there. */
async function visitAbroad(user, looks, visit) {
    for (const look of looks) {
        await user.comeAgain({ ...LOOKS[look], reducedMotion: "reduce" });
        await user.signIn();
        await user.goto("uploads?status=success");
        await user.page.locator("tbody .title a").first().click();
        await dialog(user.page);
        const detail = user.page.url().split("#/")[1];
        for (const language of ["de", "fr"]) {
            await user.page.evaluate((chosen) => localStorage.setItem("language", chosen), language);
            for (const address of ["upload", "uploads", detail, "keys", "operation", "api"]) {
                await user.goto(address);
                await user.page.reload();
                await user.page.locator(`html[lang=${language}]`).waitFor();
                await user.page.locator("h1").waitFor();
                await user.page.waitForLoadState("networkidle");
                await visit(`${address.split(/[/?]/).slice(0, 2).join("-").slice(0, 9)}-${language}`, look);
            }
        }
    }
}

async function complainOfWidth(user, name, look) {
    const over = await user.page.locator("html, dialog[open]").evaluateAll((all) =>
        Math.max(...all.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)));
    if (over > 0) user.complaints.push(`${name}, ${look}: ${over} pixels too wide`);
}

/** axe finds nothing, and nothing is wider than the screen. */
export async function lookAtAll(user) {
    const seen = [];
    await visitAll(user, [user.options.look], async (name, look) => {
        seen.push(name);
        await user.look(`${name}, ${look}`);
        await complainOfWidth(user, name, look);
    });
    return { seen };
}

/** Nothing is too wide, and no word of the ways through the page is cut. */
export async function lookAbroad(user) {
    const seen = [];
    await visitAbroad(user, ["small"], async (name, look) => {
        seen.push(name);
        await complainOfWidth(user, name, look);
        const cut = await user.page.locator("nav a span, .button span").evaluateAll((all) => all.filter(
            (span) => span.scrollWidth > span.clientWidth && span.clientWidth).map(({ innerText }) => innerText));
        if (cut.length) user.complaints.push(`${name}, ${look}: cut: ${cut}`);
    });
    return { seen };
}

export async function screenshots(user) {
    mkdirSync(user.options.folder, { recursive: true });
    await visitAll(user, Object.keys(LOOKS), (name, look) =>
        user.page.screenshot({ path: `${user.options.folder}/${name}-${look}.png` }));
    await visitAbroad(user, ["desk-light", "small"], (name, look) =>
        user.page.screenshot({ path: `${user.options.folder}/${name}-${look}.png` }));
    return {};
}
