// SPDX-License-Identifier: Apache-2.0
// All files of this page, a few of which are on their way at a time. They go
// on while other views are shown.
import * as session from "../session.js";
import { Transfer } from "./transfer.js";
import { activity } from "../activity.js";

const AT_ONCE = 3;

/** Tells "change" when the files are others, "progress" when one got on. */
export const events = new EventTarget();
export const transfers = [];

/** files: [{file, path}]. Those of which found(file) knows an unfinished
 * upload will go on with it. */
export function add(files, found = () => null) {
    const begin = transfers.length;
    for (const { file, path } of files) {
        const transfer = new Transfer(file, path, path.slice(-255));
        transfer.found = found(file);
        transfer.label = transfer.found?.label ?? transfer.label;
        transfer.addEventListener("change", () => step(transfer));
        transfers.push(transfer);
    }
    tell();
    return transfers.slice(begin);
}

/** Let these go as soon as there is room. */
export function start(chosen) {
    for (const transfer of chosen) transfer.become("queued");
    fill();
}

export function pauseAll() {
    for (const transfer of transfers)
        if (transfer.isRunning && transfer.state !== "finishing" || transfer.state === "queued")
            transfer.pause();
}

export const resumeAll = () =>
    start(transfers.filter(({ state }) => state === "paused"));

export async function remove(transfer) {
    const at = transfers.indexOf(transfer);
    if (at >= 0) transfers.splice(at, 1);
    tell();
    await transfer.cancel();
    fill();
}

export function clear() {
    const left = transfers.filter(({ state }) => state !== "done");
    transfers.splice(0, transfers.length, ...left);
    tell();
}

/** {count, over, failed, size, sent, rate} of all that is not only ready. */
export function sum() {
    const told = { count: 0, over: 0, failed: 0, size: 0, sent: 0, rate: 0, isRunning: false };
    for (const transfer of transfers) {
        if (transfer.state === "ready") continue;
        told.count++;
        told.over += transfer.state === "done";
        told.failed += transfer.state === "failed";
        told.size += transfer.size;
        told.sent += Math.min(transfer.sent, transfer.size);
        told.rate += transfer.state === "sending" ? transfer.pace.rate : 0;
        told.isRunning ||= transfer.isRunning || transfer.state === "queued";
    }
    return told;
}

function fill() {
    let room = AT_ONCE - transfers.filter(({ isRunning }) => isRunning).length;
    for (const transfer of transfers) {
        if (room <= 0) return;
        if (transfer.state !== "queued") continue;
        transfer.start();
        room--;
    }
}

function step(transfer) {
    if (transfer.isOver || transfer.state === "paused") queueMicrotask(fill);
    events.dispatchEvent(new Event("progress"));
    activity.tell(sum());
}

function tell() {
    events.dispatchEvent(new Event("change"));
    activity.tell(sum());
}

// What a session that ended has paused goes on in the next one of the same
// person; another one's page has none of it.
let owner = session.current?.subject;
session.events.addEventListener("change", () => {
    if (!session.isSignedIn()) return;
    if (session.current.subject === owner) {
        start(transfers.filter(({ error }) => error?.status === 401));
    } else {
        for (const transfer of transfers) if (transfer.isRunning) transfer.pause();
        transfers.length = 0;
        owner = session.current.subject;
        tell();
    }
});

addEventListener("beforeunload", (event) => {
    if (sum().isRunning) event.preventDefault();
});
