//! The method table and this SDK: everything that a plugin may ask or tell is reached through `ctx`. That the test host answers it
//! is the compiler's to find.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SRC = fileURLToPath(new URL("../src/", import.meta.url));

/** What this SDK leaves to others, and why. */
const LEFT_OUT = new Map([
  ["airline.request", "it is for languages without an HTTP client of their own"],
  ["server.unregister", "a router stays for as long as the process"],
]);

function names(group) {
  const [, rows] = readFileSync(join(SRC, "generated/protocol.ts"), "utf8").match(new RegExp(`export interface ${group} \\{(.*?)\\n\\}`, "s"));
  return [...rows.matchAll(/^ {2}"([^"]+)":/gm)].map(([, name]) => name);
}

test("every call and notification of a plugin is reached through ctx", () => {
  const files = readdirSync(join(SRC, "context")).map((file) => readFileSync(join(SRC, "context", file), "utf8"));
  const asked = new Set(files.flatMap((text) => [...text.matchAll(/\.(?:request|notify)\("([^"]+)"/g)].map(([, name]) => name)));
  const table = [...names("ContextCalls"), ...names("BothCalls"), ...names("ContextNotices")];
  assert.ok(table.length > 10, "the table is read");
  for (const name of table) assert.notEqual(asked.has(name), LEFT_OUT.has(name), `${name}: either a member of ctx asks for it, or LEFT_OUT says why none does`);
  for (const name of asked) assert.ok(table.includes(name), `${name} is not in the table`);
});
