//! Where the engines of `ctx.database` differ from better-sqlite3: the same questions to each. What better-sqlite3 and Node's own
//! SQLite answered is recorded, since this machine may have neither; DATABASES.md is written from it and held to it.
//!
//!     OUTBOARD_BETTER_SQLITE3=DIR   a folder in which it is installed: its record is checked
//!     OUTBOARD_RECORD=1             writes the records of the engines that are here, and the page

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ENGINES, using } from "./database-engines.mjs";
import { PROBES, ask } from "./database-probes.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const RECORD = join(HERE, "database-record.json");
const PAGE = join(HERE, "..", "DATABASES.md");
const WRITES = process.env.OUTBOARD_RECORD === "1";

const require = createRequire(import.meta.url);
const record = JSON.parse(readFileSync(RECORD, "utf8"));

async function answers(t, Database) {
  const folder = mkdtempSync(join(tmpdir(), "outboard-fidelity-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "text.txt"), "this is not a database\n".repeat(100));
  return ask(Database, folder);
}

/** Asks an engine, and holds its record to what it answers. */
async function holds(t, name, version, Database) {
  const given = await answers(t, Database);
  if (WRITES) {
    record[name] = { version, answers: given };
    writeFileSync(RECORD, `${JSON.stringify(record, null, 1)}\n`);
  }
  assert.deepEqual(given, record[name].answers);
}

const BETTER = process.env.OUTBOARD_BETTER_SQLITE3;
if (BETTER) {
  test("better-sqlite3 answers as it is recorded", async (t) => {
    const theirs = createRequire(join(BETTER, "x.js"));
    await holds(t, "better-sqlite3", theirs("better-sqlite3/package.json").version, theirs("better-sqlite3"));
  });
}

const ours = () => require("../dist-runner/sqlite.cjs").BetterSqlite3;

// Each major version has an SQLite of its own, and answers of its own.
if (ENGINES.includes("node") && (WRITES || record.node.version.split(".")[0] === process.versions.node.split(".")[0])) {
  test("Node's own SQLite answers as it is recorded", async (t) => {
    using(t, "node");
    await holds(t, "node", process.versions.node, ours());
  });
}

test("what differs from better-sqlite3 is what DATABASES.md says", async (t) => {
  using(t, "addon");
  const text = page(await answers(t, ours()));
  if (WRITES) writeFileSync(PAGE, text);
  assert.equal(readFileSync(PAGE, "utf8"), text, "write it anew: OUTBOARD_RECORD=1 node --test tests/database-fidelity.test.mjs");
});

function page(addon) {
  const { "better-sqlite3": better, node } = record;
  const questions = Object.keys(PROBES);
  assert.deepEqual(Object.keys(better.answers), questions, "the record is of other questions");
  const differs = (given) => questions.filter((question) => given[question] !== better.answers[question]);
  const cell = (text) => text.replaceAll("\u0000", "\\0").replaceAll("|", "\\|").replaceAll("\n", " ");
  const rows = (given) => differs(given).map((question) => `| ${cell(question)} | \`${cell(better.answers[question])}\` | \`${cell(given[question])}\` |`);
  const table = (name, given) => [`| | better-sqlite3 ${better.version} | ${name} |`, "| --- | --- | --- |", ...rows(given)].join("\n");
  return `# Where databases differ from better-sqlite3

Written by \`tests/database-fidelity.test.mjs\`, which asks each engine ${questions.length} things. All others have the same answer, word for word.

## Outboard's addon

It differs in ${differs(addon).length}.

${table("the addon", addon)}

## Node's own SQLite

It is used where the addon is not there or does not load. With Node ${node.version} it differs in ${differs(node.answers).length}.

${table(`Node ${node.version}`, node.answers)}
`;
}
