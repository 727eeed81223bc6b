// SPDX-License-Identifier: Apache-2.0
// Upload a file with tus-js-client or Uppy, and print what happened:
//
//     node client.mjs tus|uppy OPTIONS
//
// OPTIONS is JSON: file, storage (where URLs are kept for the next process),
// killAfter (bytes, then die without a word), and what the client itself takes.
// The environment has the credential.
import { File } from "node:buffer";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { Agent } from "node:http";
import { basename } from "node:path";
import { PassThrough } from "node:stream";
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";
import * as tus from "tus-js-client";

const [kind, text] = process.argv.slice(2);
const { file, storage, killAfter, ...options } = JSON.parse(text);
const requests = [];
globalThis.File ??= File; // which Uppy asks for, and Node 18 has not

// Not with the lock of that file, which would be in the next one's way.
const die = (sent) => {
    if (killAfter && sent >= killAfter && !existsSync(`${storage}.lock`))
        process.kill(process.pid, "SIGKILL");
};

Object.assign(options, {
    headers: { Authorization: `Bearer ${process.env.BEARER}` },
    // a connection for each request, so that each may go somewhere else
    httpStack: new tus.DefaultHttpStack({
        agent: new Agent({ keepAlive: false }),
    }),
    onAfterResponse: (request, response) => {
        requests.push([request.getMethod(), response.getStatus(),
            Number(response.getHeader("Upload-Offset") ?? -1)]);
    },
});

if (storage) options.urlStorage = new tus.FileUrlStorage(storage);

const tell = (url) => console.log(JSON.stringify({ url, requests }));

// Of a file tus-js-client knows the length, and would not defer it; nor does it
// say by the draft that the rest of one is the last.
function source() {
    if (options.uploadLengthDeferred)
        return createReadStream(file).pipe(new PassThrough());
    return options.protocol ? readFileSync(file) : createReadStream(file);
}

async function withTus() {
    const url = await new Promise((resolve, reject) => {
        const upload = new tus.Upload(source(), {
            ...options,
            metadata: { filename: basename(file), filetype: "text/csv" },
            onProgress: die,
            onSuccess: () => resolve(upload.url),
            onError: reject,
        });
        upload.findPreviousUploads().then((previous) => {
            if (previous.length) upload.resumeFromPreviousUpload(previous[0]);
            upload.start();
        });
    });
    tell(url);
}

async function withUppy() {
    const uppy = new Uppy().use(Tus, options);
    uppy.on("upload-progress", (_file, { bytesUploaded }) =>
        die(bytesUploaded));
    uppy.addFile({
        name: basename(file),
        type: "text/csv",
        data: readFileSync(file), // for Node tus takes no Blob
    });
    const { successful, failed } = await uppy.upload();
    if (failed.length) throw failed[0].error;
    tell(successful[0].uploadURL);
}

await (kind === "uppy" ? withUppy() : withTus());
