// SPDX-License-Identifier: Apache-2.0
// The peer: @tus/server as its authors show it, with a folder or a bucket.
//
//     node server.mjs PORT FOLDER
//     node server.mjs PORT s3     where PEER_S3_* says, keys as AWS names them
import { FileStore } from "@tus/file-store";
import { S3Store } from "@tus/s3-store";
import { Server } from "@tus/server";

const [port, where] = process.argv.slice(2);

const store = where === "s3"
    ? new S3Store({
        s3ClientConfig: {
            bucket: process.env.PEER_S3_BUCKET,
            endpoint: process.env.PEER_S3_ENDPOINT,
            region: process.env.AWS_REGION,
            forcePathStyle: true,
            // radosgw takes no body whose checksum comes behind it
            requestChecksumCalculation: "WHEN_REQUIRED",
        },
    })
    : new FileStore({ directory: where });

new Server({ path: "/files", datastore: store, relativeLocation: true })
    .listen(Number(port), "127.0.0.1");
