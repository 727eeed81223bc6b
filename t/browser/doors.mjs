// SPDX-License-Identifier: Apache-2.0
// Ways in that are not forms, and ways out.

const REFUSED = /status of 401/;
const heading = (page, name) => page.getByRole("heading", { name, level: 1 }).waitFor();

/** There, and back to where it was wanted. */
export async function signInThroughIam(user) {
    const { page } = user;
    await user.goto("uploads?q=x");
    await page.getByRole("link", { name: "ORCID" }).click();
    await heading(page, "My uploads");
    const address = page.url();
    const who = await page.locator(".who").innerText();
    await page.getByLabel("Account and settings").click();
    await user.button("Sign out").click();
    await heading(page, "Sign in");
    return { address, who };
}

export async function comeBackFromIamSignedOut(user) {
    const { page } = user;
    await user.goto("uploads");
    await page.getByRole("link", { name: "GitHub" }).click();
    const told = await page.getByRole("alert").filter({ hasText: /./ }).innerText();
    await user.look("back from the IAM, signed out");
    return { told, address: page.url() };
}

/** Who has signed in elsewhere in this browser before coming back. */
export async function comeBackFromIamSignedIn(user) {
    const { page } = user;
    await user.goto("uploads");
    await user.signIn(await page.context().newPage());
    await page.getByRole("link", { name: "GitHub" }).click();
    const told = await page.locator(".toast").innerText();
    await user.look("back from the IAM, signed in");
    return { told, address: page.url() };
}

/** httpd has asked for the name already. */
export async function comeKnown(user) {
    const { page } = user;
    await user.goto();
    await heading(page, "Upload");
    await page.locator(".drop input[type=file]").first().setInputFiles(
        { name: "known.txt", mimeType: "text/plain", buffer: Buffer.from("known") });
    await page.getByRole("button", { name: /^Upload 1 file/ }).click();
    await user.row("known.txt").getByText("Stored").waitFor();
    await page.getByLabel("Account and settings").click();
    return {
        who: await page.locator(".who").innerText(),
        links: await page.locator("nav").first().getByRole("link").allInnerTexts(),
        ways: await page.locator(".menu").getByRole("button").count(),
    };
}

/** Here, and in the browser of another machine. */
export async function signOutEverywhere(user) {
    const { page } = user;
    user.expect(REFUSED);
    await user.signIn();
    const other = await (await user.browser.newContext()).newPage();
    await user.signIn(other);
    await other.goto(`${user.options.url}/#/uploads`);
    await heading(other, "My uploads");
    await page.getByLabel("Account and settings").click();
    await user.button("Sign out everywhere").click();
    await heading(page, "Sign in");
    await other.getByRole("searchbox").fill("anything");
    await heading(other, "Sign in");
    return {};
}

/** The session ends while a view is open. */
export async function loseTheSession(user) {
    const { page } = user;
    user.expect(REFUSED);
    await user.signIn();
    await user.goto("uploads?q=x");
    await heading(page, "My uploads");
    await user.ask("end the session");
    await page.getByRole("searchbox").fill("y");
    await heading(page, "Sign in");
    const focused = await user.focused();
    await page.getByLabel("Account", { exact: true }).fill(user.options.name);
    await page.getByLabel("Password").fill(user.options.password);
    await page.keyboard.press("Enter");
    await heading(page, "My uploads");
    return { address: page.url(), focused };
}
