// SPDX-License-Identifier: Apache-2.0
// Of an OpenAPI description, what the page shows of it, without references.

const METHODS = ["get", "head", "post", "put", "patch", "delete", "options"];

export function digest(api) {
    const follow = (value) => (value?.$ref ? follow(at(api, value.$ref)) : value ?? {});
    const operations = Object.entries(api.paths).flatMap(([path, item]) =>
        METHODS.filter((method) => item[method]).map((method) =>
            operation(follow, method, path, item)));
    return {
        title: api.info.title,
        version: api.info.version,
        description: blocks(api.info.description),
        operations,
        schemas: Object.entries(api.components?.schemas ?? {})
            .filter(([, schema]) => schema.properties)
            .map(([name, schema]) => ({
                name, description: blocks(schema.description), fields: fields(follow, schema),
            })),
    };
}

const at = (api, ref) => ref.slice(2).split("/").reduce(
    (value, name) => value[name.replaceAll("~1", "/").replaceAll("~0", "~")], api);

function operation(follow, method, path, item) {
    const told = item[method];
    return {
        id: told.operationId, method: method.toUpperCase(), path,
        summary: told.summary,
        description: blocks(told.description),
        isOpen: told.security?.length === 0,
        parameters: [...item.parameters ?? [], ...told.parameters ?? []].map(follow).map((one) => ({
            name: one.name, in: one.in, isRequired: Boolean(one.required),
            type: type(follow(one.schema)), description: inline(one.description),
        })),
        bodies: Object.entries(follow(told.requestBody).content ?? {}).map(([name, { schema }]) => ({
            name, fields: fields(follow, follow(schema)),
        })),
        responses: Object.entries(told.responses).map(([status, response]) => ({
            status,
            description: inline(follow(response).description),
            headers: Object.keys(follow(response).headers ?? {}),
            schema: schemaName(follow(response)),
        })),
    };
}

function schemaName({ content = {} }) {
    const [{ schema = {} } = {}] = Object.values(content);
    return (schema.$ref ?? schema.items?.$ref)?.split("/").pop();
}

const fields = (follow, schema) => Object.entries(schema.properties ?? {}).map(([name, value]) => {
    const known = follow(value);
    return {
        name, type: type(known), isRequired: schema.required?.includes(name) ?? false,
        description: inline(known.description),
    };
});

function type(schema) {
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
    const name = [schema.type ?? "any"].flat().join(" | ");
    return schema.format ? `${name} (${schema.format})` : name;
}

/** Texts between which stand pieces of code: ["text", "code", "text"]. */
const inline = (text = "") => text.trim().replace(/\s+/g, " ").split("`");

/** Paragraphs, indented code and tables are all the Markdown there is. */
function blocks(text = "") {
    return text.split(/\n\s*\n/).filter((block) => block.trim()).map((block) => {
        if (block.startsWith("    ")) return { pre: block.replace(/^ {4}/gm, "").trimEnd() };
        if (block.startsWith("|"))
            return { table: block.trim().split("\n").filter((line) => !/^\|[-| ]+\|$/.test(line))
                .map((line) => line.slice(1, -1).split("|").map(inline)) };
        return { text: inline(block) };
    }).reduce((all, block) => {
        // code that has empty lines is one
        if (block.pre && all.at(-1)?.pre) all.at(-1).pre += `\n\n${block.pre}`;
        else all.push(block);
        return all;
    }, []);
}
