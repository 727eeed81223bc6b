// SPDX-License-Identifier: Apache-2.0
// How people upload, and what comes between.

const inputs = (page) => page.locator(".drop input[type=file]");
const start = (page) => page.getByRole("button", { name: /^Upload \d+ files?/ });
const GONE = /net::ERR|Failed to fetch|status of 50/; // what Chromium says of a server that is away

const CRAWL = 8e5; // bytes per second: 24 MiB last for half a minute, wherever this runs

/** To so many bytes per second; -1: not at all. */
async function slowDown(user, rate) {
    user.devtools ??= await user.context.newCDPSession(user.page);
    await user.devtools.send("Network.emulateNetworkConditions", {
        offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: rate,
    });
}

const share = async (user, name) =>
    Number(await user.row(name).getByRole("progressbar").getAttribute("aria-valuenow"));

async function waitForShare(user, name, least) {
    for (let look = 0; await share(user, name) < least; look++) {
        if (look > 1200) throw new Error(`${name} stays below ${least} %`);
        await user.page.waitForTimeout(50);
    }
}

/** Sign in and let big.bin go, at so many bytes per second. */
async function begin(user, rate) {
    await user.signIn();
    await user.goto("upload");
    if (rate) await slowDown(user, rate);
    await inputs(user.page).first().setInputFiles(user.options.path);
    await start(user.page).click();
}

export async function uploadFolder(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("upload");
    await inputs(page).nth(1).setInputFiles(user.options.path);
    const labels = await page.locator(".transfer input.label").evaluateAll(
        (all) => all.map((input) => input.value));
    await page.getByLabel(/^Label of .*one\.csv$/).fill("The first one");
    await start(page).click();
    await page.locator(".queue-head").getByText(/^3 of 3 files stored/).waitFor();
    await user.look("stored");
    return { labels, text: await page.locator("main").innerText() };
}

/** As from a desktop, onto the page. */
export async function drop(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("upload");
    const data = await page.evaluateHandle(() => {
        const made = new DataTransfer();
        made.items.add(new File(["dropped\n"], "dropped.txt", { type: "text/plain" }));
        return made;
    });
    await page.locator(".drop").dispatchEvent("drop", { dataTransfer: data });
    await page.getByLabel("Compare checksums").check();
    await start(page).click();
    await page.getByText("checksum compared").waitFor();
    return {};
}

export async function pauseAndResume(user) {
    const { page } = user;
    await begin(user, CRAWL);
    await user.row("big.bin").getByText("left").waitFor();
    const text = await user.row("big.bin").innerText();
    await user.button("Pause big.bin").click();
    await user.row("big.bin").getByText("Paused").waitFor();
    const paused = await share(user, "big.bin");
    await user.look("paused");
    await page.waitForTimeout(1000);
    const later = await share(user, "big.bin");
    await slowDown(user, -1);
    await user.button("Resume big.bin").click();
    await user.row("big.bin").getByText("Stored").waitFor();
    return { text, paused, later };
}

export async function cancel(user) {
    const { page } = user;
    await begin(user, CRAWL);
    await waitForShare(user, "big.bin", 5);
    await user.button("Cancel big.bin").click();
    await user.row("big.bin").waitFor({ state: "detached" });
    await page.waitForTimeout(1000);
    return {};
}

/** The network goes and comes, then the server does. */
export async function survive(user) {
    const { page } = user;
    user.expect(GONE);
    await begin(user);
    await waitForShare(user, "big.bin", 20);
    await user.ask("cut the network");
    await user.row("big.bin").getByText("Will be tried again").waitFor();
    await user.look("waiting");
    const cut = await share(user, "big.bin");
    await user.ask("mend the network");
    await waitForShare(user, "big.bin", Math.max(50, cut + 5));
    await user.ask("restart the server");
    await user.row("big.bin").getByText("Stored").waitFor({ timeout: 180000 });
    return { cut };
}

/** Begun in one profile, ended in another. */
export async function moveOn(user) {
    await begin(user, CRAWL);
    await waitForShare(user, "big.bin", 30);
    await user.comeAgain();
    await user.signIn();
    await user.goto("upload");
    const { page } = user;
    const row = page.locator("section[aria-label=Unfinished] .transfer", { hasText: "big.bin" });
    await row.waitFor();
    const text = await row.innerText();
    await user.look("unfinished");
    await row.locator("input[type=file]").setInputFiles(user.options.short);
    const refusal = await row.getByRole("alert").filter({ hasText: /./ }).innerText();
    await row.locator("input[type=file]").setInputFiles(user.options.other);
    await page.getByText("its first bytes differ").waitFor();
    const requests = [];
    page.on("request", (request) => {
        if (request.method() === "PATCH") requests.push(request.headers()["upload-offset"]);
        if (request.method() === "POST") requests.push("POST");
    });
    await user.button("Cancel big.bin").click().catch(() => {});
    return { text, refusal, requests };
}

/** The same file again, dropped among others: it goes on by itself. */
export async function goOn(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("upload");
    await page.getByText("Resume: choose the file again").first().waitFor();
    const offsets = [];
    page.on("request", (request) => {
        if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
    });
    await inputs(page).first().setInputFiles(user.options.path);
    await user.row("big.bin").getByText("Unfinished upload found").waitFor();
    await start(page).click();
    await user.row("big.bin").getByText("Stored").waitFor();
    return { offsets };
}

/** The browser asks whether that is meant; then it is. */
export async function closeTheTab(user) {
    const { page } = user;
    await begin(user, CRAWL);
    await waitForShare(user, "big.bin", 10);
    const asked = [];
    page.removeAllListeners("dialog");
    const question = page.waitForEvent("dialog");
    await page.close({ runBeforeUnload: true });
    const dialog = await question;
    asked.push(dialog.type());
    await dialog.dismiss();
    await waitForShare(user, "big.bin", await share(user, "big.bin") + 1);
    page.on("dialog", (again) => again.accept());
    const gone = page.waitForEvent("close");
    await page.close({ runBeforeUnload: true });
    await gone;
    await user.openPage();
    await user.goto("upload");
    const row = user.page.locator("section[aria-label=Unfinished] .transfer", { hasText: "big.bin" });
    await row.locator("input[type=file]").setInputFiles(user.options.path);
    await user.row("big.bin").getByText("Stored").waitFor();
    return { asked };
}

export async function refuseTooLarge(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("upload");
    await page.getByText("Drop files").waitFor();
    const limits = await page.locator(".heading").innerText();
    const requests = [];
    page.on("request", (request) => request.method() !== "GET" && requests.push(request.url()));
    await inputs(page).first().setInputFiles(user.options.path);
    await user.row("huge.bin").getByText("Larger than").waitFor();
    await user.look("too large");
    if (await start(page).count()) user.complaints.push("it could be started");
    return { limits, requests };
}

export async function tryAgain(user) {
    const { page } = user;
    user.expect(/status of 403/);
    await begin(user);
    await user.button("Try big.bin again").waitFor();
    const text = await user.row("big.bin").innerText();
    await user.look("failed");
    await user.ask("make room");
    await user.button("Try big.bin again").click();
    await user.row("big.bin").getByText("Stored").waitFor();
    return { text };
}

export async function loseTheFile(user) {
    const { page } = user;
    await user.signIn();
    await user.goto("upload");
    await inputs(page).first().setInputFiles(user.options.path);
    await start(page).waitFor();
    await user.ask("remove the file");
    await start(page).click();
    await user.button("Try big.bin again").waitFor();
    return { text: await user.row("big.bin").innerText() };
}
