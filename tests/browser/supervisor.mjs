//! A supervisor for tests: the real binary with folders of its own, driven as an operator does, through the command line.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The binary: the one that is named, else the newest kind that was built. */
export function binary() {
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const found = [process.env.OUTBOARD_BIN, join(target, "debug", "outboard"), join(target, "release", "outboard")].find((path) => path && existsSync(path));
  assert.ok(found, "build the supervisor first: cargo build");
  return found;
}

/** Longest wait for anything: a guard against hanging on a loaded machine, not a measure. */
const GUARD_MS = 60_000;

export class Supervisor {
  output = "";

  /** Starts a supervisor with the given plugins, `{id: {file: text}}` or `{id: folder to copy}`, and the text of a settings file. */
  static async start(t, plugins, settings) {
    const supervisor = new Supervisor();
    supervisor.root = mkdtempSync(join(tmpdir(), "outboard-browser-"));
    for (const [id, content] of Object.entries(plugins)) supervisor.install(id, content);
    if (settings) {
      supervisor.settings = join(supervisor.root, "settings.toml");
      writeFileSync(supervisor.settings, settings);
    }
    t.after(async () => {
      await supervisor.stop();
      rmSync(supervisor.root, { recursive: true, force: true });
    });
    await supervisor.up();
    return supervisor;
  }

  /** Puts a plugin into the plugins folder. */
  install(id, content) {
    const folder = join(this.root, "plugins", id);
    if (typeof content === "string") return cpSync(content, folder, { recursive: true });
    const manifest = { "plugin.json": JSON.stringify({ id, name: id, version: "1.0.0" }) };
    for (const [name, text] of Object.entries({ ...manifest, ...content })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  }

  /** Starts the binary and waits until it says that it is ready. */
  async up() {
    const folder = (name) => join(this.root, name);
    mkdirSync(folder("plugins"), { recursive: true });
    mkdirSync(folder("run"), { recursive: true, mode: 0o700 });
    const args = ["run", "--plugins", folder("plugins"), "--data", folder("data"), "--runtime-dir", folder("run"), "--listen", `127.0.0.1:${this.port ?? 0}`, "--ready-json"];
    if (this.settings) args.push("--config", this.settings);
    this.child = spawn(binary(), args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, XDG_CONFIG_HOME: folder("config") } });
    this.child.stderr.setEncoding("utf8").on("data", (text) => (this.output += text));
    let line = "";
    this.child.stdout.setEncoding("utf8").on("data", (text) => (line += text));
    await this.until("the supervisor is ready", () => {
      assert.equal(this.child.exitCode, null, `the supervisor ended: ${this.output}`);
      return line.includes("\n");
    });
    this.base = `http://${JSON.parse(line).listen}`;
    this.port = Number(new URL(this.base).port);
  }

  /** The origin of a plugin, or of the operator's pages. */
  origin(label) {
    return `http://${label}.localhost:${this.port}`;
  }

  /** Ends it as an operator does. */
  async stop() {
    if (!this.child || this.child.exitCode !== null) return;
    const closed = once(this.child, "close");
    this.child.kill("SIGTERM");
    await closed;
  }

  /** A command of the command line; gives what it printed. */
  async cli(...args) {
    const { stdout } = await run(binary(), ["--runtime-dir", join(this.root, "run"), ...args], { timeout: GUARD_MS });
    return stdout;
  }

  /** The same, as data. */
  async json(...args) {
    return JSON.parse(await this.cli("--json", ...args));
  }

  /** What a plugin is doing. */
  async plugin(id) {
    const { plugins } = await this.json("status");
    return plugins.find((plugin) => plugin.id === id);
  }

  /** Waits for a state of a plugin. */
  async untilState(id, state) {
    return this.until(`${id} is ${state}`, async () => {
      const plugin = await this.plugin(id);
      return plugin?.state === state ? plugin : undefined;
    });
  }

  /** Waits until a condition holds. */
  async until(what, condition) {
    const end = Date.now() + GUARD_MS;
    for (;;) {
      const value = await condition();
      if (value) return value;
      assert.ok(Date.now() < end, `gave up waiting until ${what}; the supervisor said: ${this.output.slice(-3000)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
