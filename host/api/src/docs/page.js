// Shows openapi.json. Whatever it says becomes text, never markup; nothing is fetched from elsewhere.
"use strict";

const METHODS = ["get", "head", "post", "put", "patch", "delete"];
const DEPTH_MAX = 6;

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function resolved(document_, schema) {
  if (!schema || !schema.$ref) return schema;
  return schema.$ref.slice(2).split("/").reduce((at, key) => (at ? at[key] : undefined), document_);
}

// A schema in one text: members with their types, named ones opened up to a depth.
function shape(document_, schema, depth, indent) {
  const found = resolved(document_, schema);
  if (!found) return "any";
  if (schema.$ref && depth <= 0) return schema.$ref.split("/").pop();
  const choices = found.oneOf || found.anyOf;
  if (choices) return choices.map((it) => shape(document_, it, depth - 1, indent)).join(" | ");
  if (found.allOf) return found.allOf.map((it) => shape(document_, it, depth, indent)).join(" & ");
  if (found.enum) return found.enum.map((it) => JSON.stringify(it)).join(" | ");
  const types = Array.isArray(found.type) ? found.type : [found.type || "any"];
  return types.map((type) => {
    if (type === "array") return "[" + shape(document_, found.items || {}, depth - 1, indent) + "]";
    if (type !== "object" || !found.properties) return type;
    const required = new Set(found.required || []);
    const inner = indent + "  ";
    const members = Object.entries(found.properties).map(([name, member]) => {
      const text = inner + name + (required.has(name) ? "" : "?") + ": " + shape(document_, member, depth - 1, inner);
      return member.description ? text + "  // " + member.description.replaceAll("\n", " ") : text;
    });
    return "{\n" + members.join("\n") + "\n" + indent + "}";
  }).join(" | ");
}

function table(headings, rows) {
  const head = element("tr", {}, ...headings.map((text) => element("th", { scope: "col" }, text)));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((text) => element("td", {}, text))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function content(document_, parts) {
  return Object.entries(parts || {}).flatMap(([type, { schema }]) => [
    element("p", {}, element("code", {}, type)),
    element("pre", { tabindex: "0" }, shape(document_, schema || {}, DEPTH_MAX, "")),
  ]);
}

function opened(document_, operation) {
  const parts = [];
  if (operation.description) parts.push(element("p", {}, operation.description));
  if (operation.security && operation.security.length === 0) parts.push(element("p", {}, "Needs no token."));
  const parameters = operation.parameters || [];
  if (parameters.length) {
    parts.push(element("h4", {}, "Parameters"));
    parts.push(table(["Name", "In", "Type", "What for"], parameters.map((it) => [
      it.name + (it.required ? " (required)" : ""), it.in, shape(document_, it.schema || {}, 1, ""), it.description || "",
    ])));
  }
  if (operation.requestBody) {
    parts.push(element("h4", {}, "Body"), ...content(document_, operation.requestBody.content));
  }
  parts.push(element("h4", {}, "Answers"));
  for (const [status, answer] of Object.entries(operation.responses || {})) {
    parts.push(element("h5", {}, status + (answer.description ? ": " + answer.description : "")));
    if (status < "300") parts.push(...content(document_, answer.content));
  }
  return parts;
}

function shown(document_, method, path, operation) {
  const summary = element("summary", {},
    element("span", { class: "method" }, method), " ", element("code", {}, path), " ", operation.summary || "");
  const made = element("details", { id: method + path }, summary);
  made.dataset.text = [method, path, operation.summary, operation.description].join(" ").toLowerCase();
  made.addEventListener("toggle", () => {
    if (made.open && !made.dataset.filled) {
      made.dataset.filled = "yes";
      made.append(element("div", {}, ...opened(document_, operation)));
    }
  });
  return made;
}

function search(groups, text) {
  let count = 0;
  for (const group of groups) {
    let left = 0;
    for (const it of group.querySelectorAll("details")) {
      it.hidden = !it.dataset.text.includes(text);
      left += it.hidden ? 0 : 1;
    }
    group.hidden = left === 0;
    count += left;
  }
  document.getElementById("count").textContent = count + " operations";
}

async function main() {
  const answer = await fetch("openapi.json");
  const document_ = await answer.json();
  document.getElementById("title").textContent = document_.info.title + " API " + document_.info.version;
  document.getElementById("about").textContent = document_.info.description || "";
  const tags = new Map();
  for (const [path, item] of Object.entries(document_.paths)) {
    for (const method of METHODS.filter((it) => item[it])) {
      const tag = (item[method].tags || ["Other"])[0];
      tags.set(tag, [...(tags.get(tag) || []), shown(document_, method, path, item[method])]);
    }
  }
  const groups = [...tags].map(([tag, operations]) =>
    element("section", { id: "tag-" + tag, "aria-label": tag }, element("h2", {}, tag), ...operations));
  document.getElementById("operations").append(...groups);
  const links = [...tags.keys()].map((tag) => element("li", {}, element("a", { href: "#tag-" + tag }, tag)));
  document.getElementById("tags").append(element("ul", {}, ...links));
  const field = document.getElementById("search");
  field.addEventListener("input", () => search(groups, field.value.trim().toLowerCase()));
  search(groups, "");
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named) {
    named.open = true;
    named.scrollIntoView();
  }
}

main().catch((error) => {
  document.getElementById("count").textContent = "openapi.json cannot be shown: " + error;
});
