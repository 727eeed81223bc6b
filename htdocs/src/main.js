// SPDX-License-Identifier: Apache-2.0
// The frame around the views, and which of them is shown.
import "../style/app.css";
import { activityBar } from "./activity-bar.js";
import { h, replace } from "./dom.js";
import { chooseLanguage, isKnown, LANGUAGES, loadLanguage, locale, t } from "./i18n.js";
import { icon } from "./icons.js";
import { announce, button, complaint, errorBox, field, skeleton, toast } from "./parts.js";
import { href, navigate, route } from "./router.js";
import * as session from "./session.js";
import { applyTheme, chooseTheme, theme, THEMES } from "./theme.js";
import * as signin from "./views/signin.js";

/** Loaded when they are first shown; may(): who sees them. */
const VIEWS = {
    upload: { load: () => import("./views/upload.js"), may: () => session.may("write") },
    uploads: { load: () => import("./views/uploads.js"), may: () => true },
    keys: { load: () => import("./views/keys.js"), may: () => session.current.realm === "account" && session.current.how !== "key" },
    operation: { load: () => import("./views/operation.js"), may: () => session.current.is_operator },
    api: { load: () => import("./views/apidoc.js"), may: () => true },
};

const main = h("main", { id: "main" });
const head = h("header", { class: "top" });
const activity = activityBar();
let shown = {}; // {name, view} of the view that is there
let failure = null; // of the way in that came with the address

const isOpen = (name) => name === "api" || session.isSignedIn() && Boolean(VIEWS[name]?.may());

// --- the frame ---------------------------------------------------------------

function renderHead() {
    const { name } = route();
    const link = (view) => h("a", { href: href(view), "aria-current": view === name ? "page" : null },
        icon(view), h("span", null, t(`nav.${view}`)));
    const skip = h("button", { type: "button", class: "skip", onclick: () => document.querySelector("h1")?.focus() }, t("skip"));
    replace(head, skip,
        h("a", { class: "brand", href: href("") }, h("span", { class: "mark" }), t("brand")),
        h("nav", { "aria-label": t("nav.title") }, Object.keys(VIEWS).filter(isOpen).map(link)),
        activity.element,
        name === "api" && !session.isSignedIn() && h("a", { class: "button quiet", href: href("uploads") }, t("signin.submit")),
        menu());
}

const realmText = (realm) => (isKnown(`realm.${realm}`) ? t(`realm.${realm}`) : realm);

/** Who is signed in, and what this page looks like. */
function menu() {
    const language = h("select", { onchange: async () => { await chooseLanguage(language.value); begin(); } },
        Object.entries(LANGUAGES).map(([tag, name]) =>
            h("option", { value: tag, lang: tag, selected: locale.startsWith(tag) }, name)));
    const look = h("select", { onchange: () => chooseTheme(look.value) },
        THEMES.map((name) => h("option", { value: name, selected: name === theme() }, t(`theme.${name}`))));
    const out = (everywhere) => async () => {
        try {
            await session.signOut(everywhere);
            announce(t("signout.done"));
        } catch (error) {
            toast(complaint(error));
        }
    };
    const details = h("details", { class: "menu" },
        h("summary", { "aria-label": t("menu") }, icon("person"),
            h("span", { class: "who" }, session.isSignedIn() ? session.current.name : t("menu.look"))),
        h("div", { class: "card" },
            session.isSignedIn() && h("p", null, session.current.name, h("span", { class: "soft block" }, realmText(session.current.realm))),
            field(t("language"), language), field(t("theme"), look),
            session.isSignedIn() && session.current.how !== "httpd" && [
                button(t("signout"), out(false), { look: "quiet" }),
                session.mayEndAll() && button(t("signout.all"), out(true), { look: "quiet" })]));
    details.addEventListener("keydown", ({ key }) => {
        if (key !== "Escape" || !details.open) return;
        details.open = false;
        details.querySelector("summary").focus();
    });
    details.addEventListener("focusout", ({ relatedTarget }) => {
        if (relatedTarget && !details.contains(relatedTarget)) details.open = false;
    });
    return details;
}

// --- the views ---------------------------------------------------------------

async function render() {
    const { name, id, query } = route();
    if (session.isSignedIn() && !isOpen(name))
        return navigate(href(session.may("write") ? "upload" : "uploads"), { instead: true });
    renderHead();
    if (shown.name === name && shown.view?.follow) return shown.view.follow({ name, id, query });
    leave();
    if (!isOpen(name)) {
        document.title = `${t("signin.title")} · ${t("brand")}`;
        signin.show(main, { error: failure });
        return focusHeading();
    }
    document.title = `${t(`nav.${name}`)} · ${t("brand")}`;
    return showView(name, { name, id, query });
}

function leave() {
    const { view } = shown;
    shown = {};
    (view?.leave ?? view)?.call?.(view);
    main.replaceChildren();
}

async function showView(name, asked) {
    const turn = shown = { name };
    const wait = setTimeout(() => replace(main, skeleton()), 200);
    try {
        const { show } = await VIEWS[name].load();
        clearTimeout(wait);
        if (turn !== shown) return;
        main.replaceChildren();
        turn.view = show(main, asked);
        focusHeading();
    } catch (error) {
        clearTimeout(wait);
        if (turn !== shown) return;
        // Its file is another since the service was updated.
        replace(main, errorBox(Object.assign(error, { message: t("reload") }), () => location.reload()));
    }
}

let isFirst = true; // it leaves the focus where the browser has it

function focusHeading() {
    if (!isFirst) main.querySelector("h1")?.focus();
    isFirst = false;
}

// --- the beginning -----------------------------------------------------------

function begin() {
    activity.update();
    document.title = t("brand");
    leave();
    render();
}

async function start() {
    applyTheme();
    await loadLanguage();
    document.body.replaceChildren(head, main, ...document.body.querySelectorAll(".toasts, [role=status]"));
    const { link, iam } = session.takeAddress();
    if (iam) failure = { key: `signin.iam-${iam}` };
    try {
        if (link) await session.signIn({ link }).catch((error) => {
            failure = error.status === 401 ? { key: "signin.link-used" } : error;
        });
        if (!session.isSignedIn()) await session.load();
    } catch (error) {
        signin.showSilence(main, error, () => location.reload());
        return;
    }
    session.returnToPlace();
    session.events.addEventListener("change", () => {
        failure = null;
        shown = { ...shown, name: null };
        begin();
    });
    addEventListener("hashchange", render);
    begin();
    if (failure && session.isSignedIn()) toast(signin.reason(failure));
}

start();
