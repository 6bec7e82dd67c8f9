//! What the tests of this package share: folders that go with the test, plugins of a few lines, and applications as programs of their own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
export const BINARY = process.env.OUTBOARD_BIN ?? join(ROOT, "target", "debug", "outboard");
export const KIT = join(ROOT, "plugin-sdk", "host", "dist", "index.js");

/** A plugin that answers over HTTP and on a channel, and pushes what it is told. */
const ECHO = `
export async function onStart(ctx) {
  ctx.ipc.handle("echo", async (value) => value);
  ctx.ipc.handle("push", async (value) => void ctx.ipc.send("pushed", value));
  ctx.ipc.handle("token", () => ctx.auth.getToken());
}
export async function onStop() {}
`;

/** Folders of an application, with the plugin \`echo\` that has a UI. */
export function folders(t) {
  const root = mkdtempSync(join(tmpdir(), "obh-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const plugins = join(root, "plugins");
  plugin(plugins, "echo", { "background/index.js": ECHO, "ui/index.js": "export default () => null;" });
  return { root, plugins, options: { binary: BINARY, plugins, data: join(root, "data"), runtimeDir: join(root, "run") } };
}

/** Writes a plugin. */
export function plugin(plugins, id, files) {
  const all = { "plugin.json": JSON.stringify({ id, name: id, version: "1.0.0" }), "package.json": '{"type":"module"}', ...files };
  for (const [name, text] of Object.entries(all)) {
    const path = join(plugins, id, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

/** The blocks of docs/EMBEDDING.md. */
export const guideBlocks = () => documentBlocks("EMBEDDING.md");

/** The blocks of a document, by what stands behind the backquotes: a language, and the name of a file where it is one. */
export function documentBlocks(name) {
  const text = readFileSync(join(ROOT, "docs", name), "utf8");
  return [...text.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)].map(([, language, file, content]) => ({ language, file, content }));
}

/** Writes the guide's files into a folder: those that match. */
export function writeGuide(folder, which = /./) {
  for (const { file, content } of guideBlocks().filter(({ file }) => which.test(file))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), content);
  }
}

/** Waits for a state; the runner's own limit ends a test whose state never comes. */
export async function until(what) {
  for (;;) {
    const is = await what();
    if (is) return is;
    await pause(20);
  }
}

/** The status of a page whose name Node cannot look up, as browsers do: `*.localhost` is this machine. */
export function statusOf(address) {
  const { port, pathname, host } = new URL(address);
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: pathname, headers: { host } }, (answer) => resolve(answer.resume().statusCode)).once("error", reject);
  });
}

/** Whether a process is there. */
export function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** An application in a process of its own, which says a line of JSON when it has started Outboard. */
export async function application(t, source) {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  while (!said.includes("\n")) said += (await once(child.stdout, "data"))[0];
  return { child, said: JSON.parse(said) };
}
