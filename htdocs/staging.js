/* SPDX-License-Identifier: Apache-2.0 */
/* The key lives in a variable of this page and goes out in headers only. */
"use strict";

const PAGE = 50;
const api = new URL("upload", document.baseURI).href;
const at = (id) => document.getElementById(id);

let key = "";
let shown = "";     // the first page of the list, as it came
let next = null;    // URL of the next page of the list, or null
let sending = null; // the XMLHttpRequest of a running upload
let polling = 0;

/* --- small things -------------------------------------------------------- */

function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
}

function button(text, label, className, action) {
    const made = element("button", text, className);
    made.type = "button";
    made.setAttribute("aria-label", label);
    made.addEventListener("click", () => action(made));
    return made;
}

function tell(text) {
    at("notice").textContent = text;
    at("notice").hidden = !text;
}

function bytes(count) {
    const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (count >= 1024 && unit < units.length - 1) {
        count /= 1024;
        unit++;
    }
    return `${unit && count < 10 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

const time = (text) => new Date(text).toLocaleString(undefined,
    {dateStyle: "medium", timeStyle: "short"});
const day = (text) => new Date(text).toLocaleDateString(undefined,
    {dateStyle: "medium"});

/* What the service says is wrong, in one sentence. */
function complaint(status, text) {
    try {
        const answer = JSON.parse(text);
        return `${answer.detail} (request ${answer.request_id})`;
    } catch {
        return status ? `the server answered ${status}` : "the server cannot be reached";
    }
}

async function ask(url, method = "GET") {
    let response;
    try {
        response = await fetch(url, {
            method, headers: {Authorization: `Bearer ${key}`},
            credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store",
        });
    } catch {
        throw new Error(complaint(0, ""), {cause: "silence"});
    }
    if (!response.ok) throw new Error(complaint(response.status, await response.text()));
    return response;
}

/* --- state of the service ------------------------------------------------ */

async function showState() {
    const state = at("state");
    try {
        const answer = await (await fetch(new URL("ready", document.baseURI))).json();
        const wrong = Object.entries(answer)
            .filter(([name, value]) => name !== "status" && value !== "ok")
            .map(([name, value]) => `${name}: ${value}`);
        state.className = answer.status === "ready" ? "good" : "bad";
        at("state-text").textContent = answer.status === "ready"
            ? "The service is ready" : `The service is not ready (${wrong.join("; ")})`;
    } catch {
        state.className = "bad";
        at("state-text").textContent = "The service does not answer";
    }
}

/* --- the list ------------------------------------------------------------ */

function details(upload) {
    const box = element("details");
    const list = element("dl");
    const add = (name, value) => {
        if (value) list.append(element("dt", name), element("dd", value));
    };
    box.append(element("summary", "Checksums and address"), list);
    add("MD5", upload.md5);
    add("SHA-1", upload.sha1);
    add("SHA-256", upload.sha256);
    add("URL", new URL(upload.data_url, document.baseURI).href);
    return box;
}

function entry(upload) {
    const item = element("li");
    const facts = element("p");
    const buttons = element("div", undefined, "buttons");
    facts.append(element("span", upload.status, `status status-${upload.status}`));
    for (const fact of [upload.filename !== upload.label && upload.filename,
        upload.size !== null && bytes(upload.size),
        time(upload.created), `kept until ${day(upload.expires)}`])
        if (fact) facts.append(" · ", element("span", fact, "fact"));
    item.append(element("h3", upload.label), facts);
    if (upload.message) item.append(element("p", upload.message));
    if (upload.status === "success") {
        item.append(details(upload));
        buttons.append(button("Download", `Download ${upload.label}`, "quiet",
            () => download(upload)));
    }
    buttons.append(button("Delete", `Delete ${upload.label}`, "danger",
        (made) => remove(upload, item, made)));
    item.append(buttons);
    return item;
}

function showCount() {
    const count = at("uploads").children.length;
    at("count").textContent = count === 0 ? "No uploads yet."
        : next ? `The newest ${count} uploads` : `${count} upload${count > 1 ? "s" : ""}`;
}

async function loadPage(url) {
    const response = await ask(url);
    const text = await response.text();
    const uploads = JSON.parse(text);
    const link = /<([^>]+)>; rel="next"/.exec(response.headers.get("Link") || "");
    /* what has not changed stays, and with it the place of the reader */
    if (url !== firstPage() || text !== shown) {
        if (url === firstPage()) {
            at("uploads").replaceChildren();
            shown = text;
        }
        at("uploads").append(...uploads.map(entry));
        next = link && new URL(link[1], api).pathname + new URL(link[1], api).search;
        at("more").hidden = !next;
        showCount();
    }
    /* what is pending will be finished by the server soon */
    clearTimeout(polling);
    if (uploads.some((upload) => upload.status === "pending") && !sending)
        polling = setTimeout(() => attempt(() => loadPage(firstPage())), 5000);
}

const firstPage = () => `${api}?limit=${PAGE}`;

async function attempt(action) {
    tell("");
    try {
        await action();
        return true;
    } catch (error) {
        tell(`That did not work: ${error.message}.`);
        return false;
    }
}

/* A link cannot send a header, and the key in a URL would stay in the list of
 * downloads: so the browser follows the redirect for a script, and keeps what
 * is big on disk. A store elsewhere has to allow that (CORS). */
const download = (upload) => attempt(async () => {
    const response = await ask(`${api}/${upload.id}/data`).catch((error) => {
        throw error.cause !== "silence" ? error : new Error(
            "the store cannot be read by this page; use the command below");
    });
    const link = element("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = upload.filename;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
});

/* A second press confirms: no dialog, no slip of the finger. */
function remove(upload, item, pressed) {
    if (!pressed.dataset.armed) {
        pressed.dataset.armed = "1";
        pressed.textContent = "Really delete?";
        pressed.setAttribute("aria-label", `Really delete ${upload.label}?`);
        setTimeout(() => {
            delete pressed.dataset.armed;
            pressed.textContent = "Delete";
            pressed.setAttribute("aria-label", `Delete ${upload.label}`);
        }, 5000);
        return;
    }
    attempt(async () => {
        await ask(`${api}/${upload.id}`, "DELETE");
        const neighbour = item.nextElementSibling || item.previousElementSibling;
        item.remove();
        shown = "";
        showCount();
        (neighbour ? neighbour.querySelector("button") : at("file")).focus();
    });
}

/* --- uploading ----------------------------------------------------------- */

function showSending(is) {
    at("send").disabled = is;
    at("cancel").hidden = at("progress").hidden = !is;
    if (!is) sending = null;
}

function finished(request) {
    showSending(false);
    if (request.status !== 202) {
        at("progress-text").textContent = "";
        tell(`The upload failed: ${complaint(request.status, request.responseText)}.`);
    } else {
        at("progress-text").textContent = "Uploaded.";
        at("upload-form").reset();
    }
    if (key) loadPage(firstPage()).catch(() => {});
}

function send(event) {
    const form = new FormData();
    const request = new XMLHttpRequest();
    event.preventDefault();
    tell("");
    if (at("label").value) form.append("label", at("label").value);
    form.append("file", at("file").files[0]);
    request.open("POST", api);
    request.setRequestHeader("Authorization", `Bearer ${key}`);
    request.upload.addEventListener("progress", (moved) => {
        at("progress").value = moved.total ? moved.loaded / moved.total : 0;
        at("progress-text").textContent = moved.loaded < moved.total
            ? `${bytes(moved.loaded)} of ${bytes(moved.total)}` : "Being stored …";
    });
    request.addEventListener("load", () => finished(request));
    request.addEventListener("error", () => finished(request));
    request.addEventListener("abort", () => {
        showSending(false);
        at("progress-text").textContent = "Cancelled.";
    });
    sending = request;
    at("progress").value = 0;
    at("progress-text").textContent = "";
    showSending(true);
    request.send(form);
}

/* --- the key ------------------------------------------------------------- */

async function open(event) {
    event.preventDefault();
    key = at("key").value.trim();
    if (!await attempt(() => loadPage(firstPage()))) {
        key = "";
        at("key").focus();
        return;
    }
    at("key").value = "";
    at("key-form").hidden = true;
    at("workspace").hidden = false;
    at("file").focus();
}

function forget() {
    if (sending) sending.abort();
    clearTimeout(polling);
    key = shown = "";
    next = null;
    at("uploads").replaceChildren();
    at("workspace").hidden = true;
    at("key-form").hidden = false;
    tell("");
    at("key").focus();
}

for (const place of document.querySelectorAll(".base"))
    place.textContent = new URL(".", document.baseURI).href.replace(/\/$/, "");
at("key-form").addEventListener("submit", open);
at("upload-form").addEventListener("submit", send);
at("cancel").addEventListener("click", () => sending && sending.abort());
at("refresh").addEventListener("click", () => attempt(() => loadPage(firstPage())));
at("more").addEventListener("click", () => attempt(() => loadPage(next)));
at("forget").addEventListener("click", forget);
showState();
setInterval(showState, 30000);
