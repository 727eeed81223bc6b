// SPDX-License-Identifier: Apache-2.0
// What people do but for uploading.

const REFUSED = /status of 401/;

export async function signInAndOut(user) {
    const { page } = user;
    user.expect(REFUSED);
    await user.goto("uploads");
    await page.getByLabel("Account", { exact: true }).fill(user.options.name);
    await page.getByLabel("Password").fill("not the password");
    await page.keyboard.press("Enter");
    const refusal = await page.getByRole("alert").filter({ hasText: "not accepted" }).innerText();
    await page.getByLabel("Password").fill(user.options.password);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "My uploads", level: 1 }).waitFor();
    const cookies = await user.context.cookies();
    const seen = await page.evaluate(() => document.cookie);
    await page.getByLabel("Account and settings").click();
    await user.button("Sign out").click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    return { refusal, cookies, seen, address: page.url() };
}

export async function signInWithKey(user) {
    const { page } = user;
    await user.goto();
    await page.getByText("Sign in with an API key").click();
    await page.getByLabel("API key").fill(user.options.key);
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "My uploads" }).waitFor();
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    await page.getByLabel("Account and settings").click();
    return { kept, ways: await page.locator(".menu").getByRole("button").allInnerTexts() };
}

/** A link works once, and leaves no trace in the address. */
export async function signInWithLink(user) {
    const { page } = user;
    user.expect(REFUSED);
    await page.goto(user.options.link);
    await page.getByRole("link", { name: "My uploads" }).waitFor();
    const address = page.url();
    await user.comeAgain();
    await user.page.goto(user.options.link);
    const refusal = await user.page.getByRole("alert").filter({ hasText: /./ }).innerText();
    return { address, refusal };
}

/** Without a mouse. */
export async function signInByKeyboard(user) {
    const { page } = user;
    await user.goto();
    await page.getByLabel("Account", { exact: true }).waitFor();
    const path = await user.tabTo("text");
    await page.keyboard.type(user.options.name);
    await page.keyboard.press("Tab");
    await page.keyboard.type(user.options.password);
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "My uploads" }).waitFor();
    await page.waitForFunction(() => document.activeElement.localName === "h1");
    return { path };
}

const titles = (page) => page.locator("tbody .title a").allInnerTexts();

export async function findInTheList(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("uploads");
    const range = page.locator("[role=status]", { hasText: " of " });
    await range.waitFor();
    const first = await titles(page);
    const count = await range.innerText();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("51 to 100").waitFor();
    const second = await titles(page);
    await page.getByRole("button", { name: "Previous" }).click();
    await page.getByText("1 to 50").waitFor();
    await page.getByRole("button", { name: "Size" }).click();
    await page.locator("th[aria-sort=ascending]", { hasText: "Size" }).waitFor();
    await page.waitForFunction(() => document.activeElement.innerText === "Size");
    const smallest = await titles(page);
    await page.getByRole("searchbox").fill("number 007");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    const found = await titles(page);
    await page.getByRole("searchbox").fill("there is no such thing");
    await page.getByText("Nothing found").waitFor();
    return { first, second, count, smallest, found, address: page.url() };
}

export async function deleteMany(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("uploads?q=number");
    await page.getByLabel("Select all on this page").check();
    await page.getByText("50 selected").waitFor();
    await page.locator(".bulk").getByRole("button", { name: "Delete" }).click();
    const question = await page.getByRole("dialog").innerText();
    await user.button("Keep").click();
    await user.dialogGone();
    await page.locator(".bulk").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.locator(".toast", { hasText: "50 uploads are deleted" }).waitFor();
    return { question };
}

export async function readAllOfOne(user) {
    const { page } = user;
    await user.signIn();
    await user.goto(`uploads/${user.options.upload}`);
    const sheet = page.getByRole("dialog");
    await sheet.locator(".history li").first().waitFor();
    const text = await sheet.innerText();
    const copied = {};
    for (const name of ["SHA-256", "Data URL", "curl", "EML"]) {
        await sheet.getByRole("button", { name: `Copy ${name}`, exact: true }).click();
        copied[name] = await page.evaluate(() => navigator.clipboard.readText());
    }
    const [download] = await Promise.all([
        page.waitForEvent("download"), sheet.getByRole("link", { name: "Download" }).click()]);
    const path = `${user.options.folder}/downloaded`;
    await download.saveAs(path);
    await page.keyboard.press("Escape");
    await user.dialogGone();
    return { text, copied, path, name: download.suggestedFilename(), address: page.url() };
}

export async function keepKeys(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("keys");
    await user.button("New key").click();
    await page.getByRole("dialog").getByLabel("Name").fill(user.options.label);
    await user.button("Create").click();
    const key = await page.locator(".secret code").innerText();
    await user.button("Copy the key").click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    await user.button("I have copied it").click();
    await user.dialogGone();
    const row = page.locator("tbody tr", { hasText: user.options.label });
    await row.waitFor();
    const isShownAgain = (await page.content()).includes(key);
    user.told.key = key;
    await user.ask("use the key");
    await row.getByRole("button").click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await row.getByText("Revoked").waitFor();
    return { copied, isShownAgain };
}

export async function speakLanguages(user) {
    const { page } = user;
    const heads = {};
    await user.signIn();
    await user.goto("uploads");
    for (const [tag, name] of [["de", "Meine Uploads"], ["fr", "Mes envois"], ["en", "My uploads"]]) {
        await page.locator(".menu summary").click();
        await page.locator(".menu select").first().selectOption(tag);
        await page.getByRole("heading", { level: 1, name }).waitFor();
        heads[tag] = await page.evaluate(() => document.documentElement.lang);
        await user.look(`uploads, ${tag}`);
    }
    return { heads };
}

/** Without a mouse, and without signing in. */
export async function findInTheApi(user) {
    await user.comeAgain({ viewport: user.options.viewport, locale: user.options.language });
    const { page } = user;
    const seen = {};
    const isThere = (id) => page.waitForFunction((wanted) => {
        const { activeElement: it } = document;
        const { top } = it.getBoundingClientRect();
        return it.id === wanted && top >= document.querySelector(".top").offsetHeight && top < innerHeight / 2 &&
            !it.closest("details:not([open])");
    }, id);
    await user.goto("api");
    const contents = page.locator("nav.contents");
    await contents.waitFor();
    seen.name = await contents.getByRole("heading").innerText();
    seen.open = await contents.locator("details[open]").count();
    seen.links = await contents.locator("a").evaluateAll((all) => all.map(({ hash }) => hash.slice("#/api/".length)));
    seen.broken = await page.evaluate((ids) => ids.filter((id) => !document.getElementById(id)), seen.links);
    seen.missing = await page.locator(".operation > summary[id]").evaluateAll((all, ids) => all.filter(
        ({ id }) => !ids.includes(id)).map(({ id }) => id), seen.links);
    await user.tabTo("mod_staging sessions");
    if (!seen.open) await page.keyboard.press("Enter");
    await user.tabTo("POST\n/session");
    for (const again of [false, true]) {
        if (again) await contents.getByRole("link", { name: "POST /session", exact: true }).focus();
        await page.keyboard.press("Enter");
        await isThere("sessions.signIn");
    }
    await page.keyboard.press("Tab");
    seen.next = await page.evaluate(() => Boolean(document.activeElement.closest("#sessions ~ *")));
    await contents.locator("details").nth(3).evaluate((details) => { details.open = true; });
    await contents.locator("a[href='#/api/operation']").focus();
    await page.keyboard.press("Enter");
    await isThere("operation");
    await page.goBack();
    await isThere("sessions.signIn");
    await page.reload();
    await isThere("sessions.signIn");
    await user.look("the API, and its contents");
    return seen;
}

/** Before anything was uploaded: how much comes over the wire. */
export async function weigh(user) {
    let bytes = 0;
    const files = [];
    user.page.on("response", async (response) => {
        const body = await response.body().catch(() => Buffer.alloc(0));
        bytes += body.length;
        files.push([new URL(response.url()).pathname, body.length]);
    });
    await user.goto();
    await user.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await user.page.waitForLoadState("networkidle");
    return { bytes, files };
}

export async function operate(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("operation");
    await page.locator(".figure").first().waitFor();
    const text = await page.locator("main").innerText();
    const retry = page.getByRole("button", { name: /^Try .* again$/ });
    if (await retry.count()) {
        await retry.first().click();
        await page.locator(".toast", { hasText: "will be tried again" }).waitFor();
    }
    return { text };
}

/** A view that is for others. */
export async function readOutOfBounds(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("operation");
    await page.getByRole("heading", { name: "Upload", level: 1 }).waitFor();
    return { links: await page.locator("nav").first().getByRole("link").allInnerTexts(), address: page.url() };
}
