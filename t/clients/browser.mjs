// SPDX-License-Identifier: Apache-2.0
// Upload a file from a page in Chromium, and print what happened:
//
//     node browser.mjs tus|uppy OPTIONS
//
// OPTIONS is JSON: chromium, page (its URL), file, closeAfter (bytes, then the
// page is closed and a new one goes on), and what the client itself takes. The
// environment has the credential.
import { chromium } from "playwright-core";

const [kind, text] = process.argv.slice(2);
const { chromium: executablePath, page: url, file, closeAfter, ...options } =
    JSON.parse(text);
options.headers = { Authorization: `Bearer ${process.env.BEARER}` };

const browser = await chromium.launch({ executablePath });
const context = await browser.newContext();
const errors = [];

// What of the upload has gone out is told to onProgress.
async function open(requests, onProgress = () => {}) {
    const page = await context.newPage();
    page.on("console", (message) => {
        if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("response", (response) => {
        if (!response.url().startsWith(options.endpoint)) return;
        requests.push([response.request().method(), response.status(),
            Number(response.headers()["upload-offset"] ?? -1)]);
    });
    await page.exposeFunction("tellProgress", onProgress);
    await page.goto(url);
    await page.setInputFiles("input", file);
    return page;
}

const upload = (page) => page.evaluate(
    ([kind, options]) => window.upload(kind, options), [kind, options]);

async function closeInTheMiddle() {
    let isFarEnough;
    const middle = new Promise((resolve) => { isFarEnough = resolve; });
    const page = await open([], (sent) => {
        if (sent >= closeAfter) isFarEnough();
    });
    const end = upload(page).then(() => {
        throw new Error("the page was not closed before the end");
    });
    await Promise.race([middle, end]);
    end.catch(() => {}); // that there is no page any more
    await page.close();
}

if (closeAfter) await closeInTheMiddle();
const requests = [];
const uploaded = await upload(await open(requests));
await browser.close();
console.log(JSON.stringify({ url: uploaded, requests, errors }));
