//! The licences of what is bundled into what we ship. The builds of the runner and of the shell page call it.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));

/** The licences of what was bundled, which ask to be passed on. */
export function collectNotices(metafile, notices) {
  for (const input of Object.keys(metafile.inputs)) {
    const at = input.lastIndexOf("node_modules/");
    if (at < 0) continue;
    const name = input.slice(at + "node_modules/".length).match(/^(@[^/]+\/)?[^/]+/)[0];
    const folder = join(PACKAGE, input.slice(0, at), "node_modules", name);
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim() : `License: ${about.license}`;
    notices.set(`${about.name} ${about.version}`, text);
  }
}

export function noticesText(notices) {
  const parts = [...notices].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, text]) => `${name}\n\n${text}\n`);
  return `Parts of other packages are built into these files. Their licences:\n\n${parts.join(`\n${"-".repeat(72)}\n\n`)}`;
}
