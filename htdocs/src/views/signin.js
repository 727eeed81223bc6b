// SPDX-License-Identifier: Apache-2.0
// Sign in, by whatever this service offers.
import * as api from "../api.js";
import { h, replace } from "../dom.js";
import { t } from "../i18n.js";
import { button, complaint, field } from "../parts.js";
import * as session from "../session.js";

const NAMES = { orcid: "ORCID", google: "Google", github: "GitHub", microsoft: "Microsoft" };

/** Why somebody was not signed in: {key} of a text, or an error. */
export function reason(failure) {
    if (failure.key) return t(failure.key);
    return failure.status === 401 ? t("signin.refused") : complaint(failure);
}

export function show(outlet, { error } = {}) {
    const offered = session.current?.sign_in ?? [];
    const wrong = h("p", { class: "notice bad", role: "alert", hidden: true });
    const tell = (failure) => {
        wrong.hidden = false;
        replace(wrong, reason(failure));
    };
    outlet.append(h("div", { class: "narrow" },
        h("h1", { tabindex: "-1" }, t("signin.title")),
        h("p", { class: "soft" }, t("signin.text")),
        wrong,
        offered.includes("password") && passwordForm(tell),
        offered.includes("key") && keyForm(tell, !offered.includes("password")),
        offered.includes("iam") && h("section", { class: "providers" },
            h("h2", null, t("signin.iam")),
            h("div", { class: "row" }, session.current.providers.map((id) =>
                h("a", { class: "button quiet", href: api.session.iam(id), onclick: session.leavePlace }, NAMES[id] ?? id))))));
    if (error) tell(error);
}

/** A form that shows that it is at work, and what went wrong. */
function form(text, tell, proof, ...fields) {
    const submit = h("button", { type: "submit", class: "button" }, text);
    return h("form", {
        class: "card", onsubmit: async (event) => {
            event.preventDefault();
            submit.disabled = true;
            try {
                await session.signIn(proof());
            } catch (error) {
                tell(error);
            } finally {
                submit.disabled = false;
            }
        },
    }, fields, submit);
}

function passwordForm(tell) {
    const name = h("input", { type: "text", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true });
    const password = h("input", { type: "password", autocomplete: "current-password", required: true });
    return form(t("signin.submit"), tell, () => ({ name: name.value.trim(), password: password.value }),
        field(t("signin.name"), name), field(t("signin.password"), password));
}

function keyForm(tell, isOpen) {
    const key = h("input", { type: "password", autocomplete: "off", spellcheck: "false", required: true });
    const made = form(t("signin.submit-key"), tell, () => ({ key: key.value.trim() }),
        field(t("signin.key"), key, t("signin.key-help")));
    return isOpen ? made : h("details", { class: "more" }, h("summary", null, t("signin.with-key")), made);
}

/** What is shown where the service says nothing at all. */
export function showSilence(outlet, error, again) {
    outlet.append(h("div", { class: "narrow" },
        h("h1", { tabindex: "-1" }, t("silence.title")),
        h("p", null, complaint(error)),
        button(t("again"), again, { with: "retry" })));
}
