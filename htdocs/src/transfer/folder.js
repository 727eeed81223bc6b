// SPDX-License-Identifier: Apache-2.0
// Files with their paths, from what was dropped or chosen.

const one = (file, path) => ({ file, path: path || file.name });

/** Of an input, which may have been one for folders. */
export const chosenFiles = (input) =>
    Array.from(input.files, (file) => one(file, file.webkitRelativePath));

/** Of a drop. Folders are walked to their ends. */
export async function droppedFiles(data) {
    // The items are gone after the first wait, the entries stay.
    const entries = Array.from(data.items, (item) => item.webkitGetAsEntry?.())
        .filter(Boolean);
    if (!entries.length) return Array.from(data.files, (file) => one(file));
    const found = [];
    for (const entry of entries) await walk(entry, found);
    return found;
}

async function walk(entry, found) {
    if (entry.isFile) {
        const file = await new Promise((...ends) => { entry.file(...ends); });
        found.push(one(file, entry.fullPath.replace(/^\//, "")));
        return;
    }
    const reader = entry.createReader();
    for (;;) {
        const some = await new Promise((...ends) => { reader.readEntries(...ends); });
        if (!some.length) return;
        for (const inner of some) await walk(inner, found);
    }
}
