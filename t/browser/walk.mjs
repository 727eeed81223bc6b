// SPDX-License-Identifier: Apache-2.0
// One walk through the dashboard, and what came of it:
//
//     node walk.mjs NAME OPTIONS
//
// OPTIONS is JSON. The last line of the output is JSON too: what the walk has
// told, and all that was wrong on its way. Lines before it ask the caller for
// something, and wait for a line.
import * as doors from "./doors.mjs";
import * as lists from "./lists.mjs";
import * as looks from "./looks.mjs";
import * as transfers from "./transfers.mjs";
import { User } from "./user.mjs";
import * as walks from "./walks.mjs";

const [name, text] = process.argv.slice(2);
const user = new User(JSON.parse(text));
await user.begin();
try {
    Object.assign(user.told, await { ...doors, ...lists, ...looks, ...transfers, ...walks }[name](user));
} catch (error) {
    user.complaints.push(`${name}: ${error.stack}`);
    if (user.options.failed) await user.page.screenshot({ path: user.options.failed, fullPage: true }).catch(() => {});
}
await user.browser.close();
console.log(JSON.stringify({ ...user.told, complaints: user.unexpected() }));
process.exit();
