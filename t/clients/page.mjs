// SPDX-License-Identifier: Apache-2.0
// What a page does with tus-js-client or Uppy: uploads the file that was
// chosen. browser.mjs is at the other end.
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";
import * as tus from "tus-js-client";

const withTus = (file, options) => new Promise((resolve, reject) => {
    const upload = new tus.Upload(file, {
        ...options,
        metadata: { filename: file.name, filetype: file.type },
        onProgress: window.tellProgress,
        onSuccess: () => resolve(upload.url),
        onError: reject,
    });
    upload.findPreviousUploads().then((previous) => {
        if (previous.length) upload.resumeFromPreviousUpload(previous[0]);
        upload.start();
    });
});

async function withUppy(file, options) {
    const uppy = new Uppy().use(Tus, options);
    uppy.on("upload-progress", (_file, { bytesUploaded }) =>
        window.tellProgress(bytesUploaded));
    uppy.addFile({ name: file.name, type: file.type, data: file });
    const { successful, failed } = await uppy.upload();
    if (failed.length) throw new Error(failed[0].error);
    return successful[0].uploadURL;
}

window.upload = (kind, options) => (kind === "uppy" ? withUppy : withTus)(
    document.querySelector("input").files[0], options);
