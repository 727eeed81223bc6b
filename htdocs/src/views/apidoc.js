// SPDX-License-Identifier: Apache-2.0
// The API, from its OpenAPI descriptions.
import operation from "../../openapi/operation.yaml";
import resumable from "../../openapi/resumable.yaml";
import sessions from "../../openapi/sessions.yaml";
import uploads from "../../openapi/uploads.yaml";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { heading } from "../parts.js";
import { href } from "../router.js";

const APIS = { uploads, resumable, sessions, operation };

const WIDE = "(min-width: 64rem)"; // as in views.css

export function show(outlet, { id }) {
    const apis = Object.entries(APIS);
    outlet.append(heading(t("api.title"), t("api.text")),
        h("div", { class: "docs" },
            h("nav", { class: "contents", "aria-labelledby": "contents" },
                h("h2", { id: "contents" }, t("api.contents")), apis.map(([name, api]) => contents(name, api))),
            h("div", { class: "doc", lang: "en" }, apis.map(([name, api]) => section(name, api)))));
    // Once the frame has given the focus to the heading.
    if (id) queueMicrotask(() => reach(id));
    return { follow: (route) => reach(route.id) };
}

// Where the parts of an API are: #/api/uploads, #/api/uploads.stage
const operationId = (name, { id }) => `${name}.${id}`;
const schemasId = (name) => `${name}.objects`;

/** Open it, and go on reading and tabbing there. */
function reach(id) {
    const place = document.getElementById(id ?? "") ?? document.querySelector("h1");
    const operation = place.closest("details");
    if (operation) operation.open = true;
    place.scrollIntoView();
    place.focus({ preventScroll: true });
}

function contents(name, api) {
    const link = (id, ...text) => h("li", null, h("a", { href: href("api", id), onclick: () => reach(id) }, text));
    return h("details", { open: matchMedia(WIDE).matches },
        h("summary", { lang: "en" }, api.title),
        h("ul", null,
            link(name, t("api.overview")),
            api.operations.map((told) => link(operationId(name, told), method(told), " ", h("code", null, told.path))),
            api.schemas.length > 0 && link(schemasId(name), t("api.schemas"))));
}

const method = ({ method: name }) => h("span", { class: `method ${name.toLowerCase()}` }, name);

const section = (name, api) => h("section", { "aria-labelledby": name },
    h("h2", { id: name, tabindex: "-1" }, api.title),
    h("p", { class: "soft" }, h("a", { href: `openapi/${name}.yaml` }, `${name}.yaml`), " · ", t("api.version", { version: api.version })),
    api.description.map(block),
    api.operations.map((told) => call(told, operationId(name, told))),
    api.schemas.length > 0 && h("h3", { id: schemasId(name), tabindex: "-1" }, t("api.schemas")),
    api.schemas.map((schema) => h("details", { class: "operation" },
        h("summary", null, h("code", { class: "path" }, schema.name)),
        h("div", { class: "content" }, schema.description.map(block), fields(schema.fields, schema.name)))));

const inline = (texts) => texts.map((text, at) => (at % 2 ? h("code", null, text) : text));

function block({ text, pre, table }) {
    if (pre) return h("pre", { tabindex: "0", role: "region", "aria-label": t("api.example") }, h("code", null, pre));
    if (!table) return h("p", null, inline(text));
    const [head, ...rows] = table;
    return h("table", null,
        h("thead", null, h("tr", null, head.map((cell) => h("th", { scope: "col" }, inline(cell))))),
        h("tbody", null, rows.map((row) => h("tr", null, row.map((cell) => h("td", null, inline(cell)))))));
}

const call = (told, id) => h("details", { class: "operation" },
    h("summary", { id }, method(told),
        h("code", { class: "path" }, told.path), h("span", { class: "soft" }, told.summary)),
    h("div", { class: "content" },
        told.description.map(block),
        told.isOpen && h("p", { class: "soft" }, t("api.open")),
        told.parameters.length > 0 && [h("h3", null, t("api.parameters")), fields(told.parameters, t("api.parameters"))],
        told.bodies.map(({ name, fields: inner }) => [
            h("h3", null, t("api.body"), " ", h("code", null, name)), inner.length > 0 && fields(inner, name)]),
        h("h3", null, t("api.responses")),
        h("dl", { class: "facts" }, told.responses.map(({ status, description, headers, schema }) => [
            h("dt", null, h("code", { class: `code-${status[0]}` }, status)),
            h("dd", null, inline(description), schema && [" ", h("code", null, schema)],
                headers.length > 0 && h("span", { class: "soft block" }, headers.join(", ")))]))));

const fields = (rows, name) => h("table", null,
    h("caption", { class: "hidden" }, name),
    h("thead", null, h("tr", null, [t("api.name"), t("api.type"), t("api.meaning")].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", null, rows.map((row) => h("tr", null,
        h("td", null, h("code", null, row.name), row.in && h("span", { class: "soft block" }, row.in)),
        h("td", null, h("code", null, row.type), row.isRequired && h("span", { class: "soft block" }, t("api.required"))),
        h("td", null, inline(row.description))))));
