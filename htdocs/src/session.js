// SPDX-License-Identifier: Apache-2.0
// Who is signed in. The cookie is out of reach for scripts; all that is known
// here is what the service says of it.
import * as api from "./api.js";

export const events = new EventTarget();
export let current = null;

function use(told) {
    current = told;
    api.useMounts(told.mounts);
    events.dispatchEvent(new Event("change"));
}

export const isSignedIn = () => Boolean(current?.name);
export const may = (scope) => current?.scopes?.includes(scope) ?? false;

/** In every browser: not by a key of an account that only reads. */
export const mayEndAll = () => current.realm !== "account" || may("write");

/** Ask who this is. */
export const load = async () => use(await api.session.get());

/** With {name, password}, {key} or {link}. */
export const signIn = async (proof) => use(await api.session.create(proof));

export async function signOut(everywhere = false) {
    await api.session.end(everywhere);
    await load();
}

/** What an address says of signing in: {link}, the code of a one-time link,
 * stands behind the #, where no server sees it; {iam}, "refused" or "failed",
 * comes with who is back from there not signed in. It is taken out of the
 * address before anything else happens. */
export function takeAddress() {
    const [, link, iam] = /^#(?:link=(.+)|sign-in=(refused|failed))$/.exec(location.hash) ?? [];
    if (link || iam) history.replaceState(null, "", location.pathname);
    return { link, iam };
}

/** The way through the IAM forgets what is behind the #. */
export const leavePlace = () => sessionStorage.setItem("place", location.hash);

export function returnToPlace() {
    const place = sessionStorage.getItem("place");
    sessionStorage.removeItem("place");
    if (place && isSignedIn() && !location.hash) history.replaceState(null, "", place);
}

// A request was refused: is this session over, or was it something else?
api.events.addEventListener("signed-out", async () => {
    const told = await api.session.get().catch(() => ({ ...current, name: null }));
    if (isSignedIn() && !told.name) use(told);
});
