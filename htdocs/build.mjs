// SPDX-License-Identifier: Apache-2.0
// Makes the page's scripts and style sheet:
//
//     node build.mjs SOURCES OUT
//
// SOURCES is this folder; its libraries are in node_modules of the one that
// this was started in.
import { readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { parse } from "yaml";
import { digest } from "./openapi.mjs";

const [sources, out] = process.argv.slice(2).map((path) => resolve(path));

/** Languages say the same things. */
function checkCatalogues() {
    const forms = /\.(zero|one|two|few|many|other)$/;
    const [first, ...others] = ["en", "de", "fr"].map((language) => {
        const texts = JSON.parse(readFileSync(join(sources, `locale/${language}.json`)));
        const holes = Object.entries(texts).map(([key, text]) => [
            key.replace(forms, ""), [...new Set(text.match(/\{\w+\}/g))].filter((hole) => hole !== "{count}").sort().join()]);
        return { language, texts: new Map(holes) };
    });
    for (const { language, texts } of others)
        for (const key of new Set([...first.texts.keys(), ...texts.keys()]))
            if (first.texts.get(key) !== texts.get(key))
                throw new Error(`${language}.json and en.json differ at ${key}`);
}

const openapi = {
    name: "openapi",
    setup: (built) => built.onLoad({ filter: /\.yaml$/ }, ({ path }) => ({
        contents: JSON.stringify(digest(parse(readFileSync(path, "utf8")))),
        loader: "json",
        watchFiles: [path],
    })),
};

checkCatalogues();
rmSync(out, { recursive: true, force: true });
await build({
    entryPoints: {
        app: join(sources, "src/main.js"),
        digest: join(sources, "src/transfer/digest.js"),
    },
    outdir: out,
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    target: "es2022",
    legalComments: "linked",
    nodePaths: [resolve("node_modules")],
    plugins: [openapi],
    logLevel: "warning",
});
