// SPDX-License-Identifier: Apache-2.0
// The list of uploads while it changes, and all that others wrote into it.

const titles = (page) => page.locator("tbody .title a").allInnerTexts();

/** The list comes to this. */
const lists = (page, labels) => page.waitForFunction((wanted) => JSON.stringify(wanted) === JSON.stringify(
    Array.from(document.querySelectorAll("tbody .title a"), ({ innerText }) => innerText)), labels);

/** orders: what every head of a column sorts by; states: what every choice of
 * the filter leaves. */
export async function sortAndFilter(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("uploads");
    for (const [column, labels] of Object.entries(user.options.orders)) {
        await page.locator("thead").getByRole("button", { name: column }).click();
        await lists(page, labels);
        await page.locator("th[aria-sort=ascending]", { hasText: column }).waitFor();
        await page.locator("thead").getByRole("button", { name: column }).click();
        await lists(page, labels.toReversed());
        await page.locator("th[aria-sort=descending]", { hasText: column }).waitFor();
    }
    for (const [state, labels] of Object.entries(user.options.states)) {
        await page.getByLabel("Show", { exact: true }).selectOption({ label: state });
        await lists(page, labels);
    }
    return { address: page.url() };
}

/** What becomes of an upload is seen without doing anything. */
export async function watch(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("uploads");
    await page.getByText("Nothing here yet").waitFor();
    await page.evaluate(() => { window.isSame = true; });
    await user.ask("begin an upload");
    await page.getByText("Unfinished, 50%").waitFor({ timeout: 60000 });
    const count = await page.getByText(/^1 to 1 of/).innerText();
    await page.getByRole("link", { name: "watched" }).click();
    const sheet = page.getByRole("dialog");
    await sheet.getByText("Unfinished, 50%").waitFor();
    await user.ask("end the upload");
    await sheet.getByRole("link", { name: "Download" }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator("tbody").getByText("Stored").waitFor();
    return { isSame: await page.evaluate(() => window.isSame), count, focused: await user.focused() };
}

export async function seeWhatExpires(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("uploads");
    await page.locator("tbody tr").first().waitFor();
    const warned = await page.locator("tr", { has: page.locator("time.warn") }).locator(".title a").allInnerTexts();
    await user.look("expires soon");
    return { warned };
}

/** The service loses its database, and gets it back. */
export async function readAnError(user) {
    const { page } = user;
    user.expect(/status of 503/);
    await user.signIn();
    await page.getByText("Drop files").waitFor();
    await page.waitForLoadState("networkidle");
    await user.ask("take the database away");
    await user.goto("uploads");
    const notice = page.getByRole("alert").filter({ hasText: "Request" });
    const text = await notice.innerText();
    await user.look("an error");
    await user.button("Copy the request id").click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    await user.ask("give it back");
    await user.button("Try again").click();
    await page.getByText("Nothing here yet").waitFor();
    return { text, copied, focused: await user.focused() };
}

/** Upload and delete without a mouse; the focus is never lost. */
export async function workByKeyboard(user) {
    const { page } = user;
    const { keyboard } = page;
    // Asked for early: Chromium needs a while to hand its dialogs over.
    const chooser = page.waitForEvent("filechooser", { timeout: 120000 });
    await user.signIn();
    await user.goto("upload");
    await page.getByText("Drop files").waitFor();
    await user.listen();
    await user.tabTo("Choose files");
    await keyboard.press("Enter");
    await (await chooser).setFiles(user.options.path);
    await page.waitForFunction(() => document.activeElement.innerText?.startsWith("Upload 1 file"));
    await keyboard.press("Enter");
    await user.row("small.bin").getByText("Stored").waitFor();
    await page.waitForFunction(() => window.said.some((text) => text.includes("1 of 1 file stored")));
    await user.goto("uploads");
    await page.getByRole("heading", { name: "My uploads", level: 1 }).waitFor();
    await page.locator("tbody tr").first().waitFor();
    await user.tabTo("Delete small.bin");
    await keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    const first = await user.focused();
    const trapped = [];
    for (let step = 0; step < 6; step++) {
        await keyboard.press("Tab");
        trapped.push(await page.evaluate(() => document.activeElement === document.body ||
            Boolean(document.activeElement.closest("dialog"))));
    }
    await keyboard.press("Escape");
    await user.dialogGone();
    const back = await user.focused();
    await keyboard.press("Enter");
    await dialog.waitFor();
    await user.tabTo("Delete");
    await keyboard.press("Enter");
    await page.locator(".toast", { hasText: "Deleted" }).waitFor();
    await page.getByText("Nothing here yet").waitFor();
    await page.waitForFunction(() => window.said.includes("Deleted."));
    return { first, trapped, back, end: await user.focused(), said: await user.said() };
}

/** From one upload to another, before the sheet of the first has quite gone. */
export async function goOnQuickly(user) {
    const { page } = user;
    const [first, second] = user.options.ids;
    const title = page.getByRole("dialog").getByRole("heading", { level: 2 });
    await user.signIn();
    await user.goto(`uploads/${first}`);
    await title.getByText("first").waitFor();
    await page.evaluate((id) => {
        document.querySelector("dialog").close();
        location.hash = `#/uploads/${id}`;
    }, second);
    await title.getByText("second").waitFor();
    await page.keyboard.press("Escape");
    await user.dialogGone();
    return { address: page.url() };
}

/** Nothing moves for who does not want it. */
export async function standStill(user) {
    await user.comeAgain({ reducedMotion: "reduce" });
    await user.signIn();
    await user.page.route(/\/upload\?/, () => {});
    await user.goto("uploads");
    await user.page.locator(".skeleton").waitFor();
    return user.page.evaluate(() => ({
        animations: document.getAnimations().length,
        moving: Array.from(document.querySelectorAll("*"), getComputedStyle).filter(
            ({ transitionDuration }) => !/^0s(, 0s)*$/.test(transitionDuration)).length,
    }));
}

/** Every view in which a text of somebody else is seen. Row 29. */
export async function readWhatOthersWrote(user) {
    const { page } = user;
    const { ids, texts } = user.options;
    user.expect(/status of 40[04]/); // of an address that somebody made up
    const seen = {};
    const harm = async (view) => {
        const found = await page.evaluate(() => [window.hit, ...Array.from(document.querySelectorAll(
            "body script, iframe, object, embed, img, b, [onload], [onerror], [onmouseover], a[href^=javascript]"),
        (element) => element.outerHTML)].filter(Boolean));
        if (found.length) user.complaints.push(`${view}: ${found}`);
    };
    await user.signIn();
    await user.goto("uploads");
    await page.locator("tbody tr").first().waitFor();
    seen.labels = await titles(page);
    seen.files = await page.locator("tbody .file").allInnerTexts();
    seen.tips = await page.locator("tbody .status[title]").evaluateAll((all) => all.map(({ title }) => title));
    await harm("list");
    seen.heads = [];
    for (const id of ids) {
        await user.goto(`uploads/${id}`);
        await page.locator(".history li").first().waitFor();
        seen.heads.push(await page.getByRole("dialog").getByRole("heading", { level: 2 }).textContent());
        await harm("detail");
        await page.keyboard.press("Escape");
        await user.dialogGone();
    }
    for (const text of texts) {
        await page.getByRole("searchbox").fill(text);
        await page.waitForFunction((wanted) => new URLSearchParams(location.hash.split("?")[1]).get("q") === wanted.trim(), text);
        await harm("search");
    }
    await user.goto(`uploads/${encodeURIComponent(texts[0])}?sort=${encodeURIComponent(texts[1])}`);
    await page.getByRole("dialog").getByRole("alert").waitFor();
    await harm("address");
    await user.goto("upload");
    await page.locator("section[aria-label=Unfinished] .transfer").nth(texts.length - 1).waitFor();
    seen.unfinished = await page.locator("section[aria-label=Unfinished] .name").allInnerTexts();
    await harm("unfinished");
    await page.locator(".drop input[type=file]").first().setInputFiles(texts.map((text) => (
        { name: text.replaceAll("/", "_"), mimeType: "text/plain", buffer: Buffer.from(text) })));
    await page.getByRole("button", { name: /^Upload \d+ files/ }).click();
    await page.locator(".queue-head").getByText(`${texts.length} of ${texts.length} files stored`).waitFor();
    await harm("upload");
    await user.goto("keys");
    await page.locator("tbody tr").nth(texts.length - 1).waitFor();
    seen.keys = await page.locator("tbody .title").evaluateAll((all) => all.map(({ firstChild }) => firstChild.textContent));
    await harm("keys");
    await user.goto("operation");
    await page.locator("section[aria-labelledby=failures] tbody tr").first().waitFor();
    seen.operation = await page.locator("main").innerText();
    await harm("operation");
    await user.ask("name the session");
    await user.goto("upload");
    await page.reload();
    await page.getByLabel("Account and settings").click();
    seen.menu = await page.locator(".menu .card").innerText();
    await harm("menu");
    return seen;
}
