//! A host for tests of the runner: starts it as the supervisor does (protocol on descriptors 4 and 5, the HTTP listener on
//! 3), and answers its context calls from memory. Used by every test here that needs a real process.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LineDecoder, MemoryHost, Peer } from "../dist/testing/index.js";

export const RUNNER = join(dirname(fileURLToPath(import.meta.url)), "..", "dist-runner");

/** A plugins folder with the generated packages above its plugins; removed when the test ends. */
export function pluginsFolder(t, { generated = true } = {}) {
  const root = mkdtempSync(join(tmpdir(), "outboard-ts-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const plugins = join(root, "plugins");
  mkdirSync(plugins);
  if (generated) symlinkSync(join(RUNNER, "node_modules"), join(plugins, "node_modules"));
  return {
    root,
    plugins,
    /** Writes a plugin's files and gives the path of its entry. */
    write(id, files, entry = "background/index.js") {
      for (const [name, text] of Object.entries({ "plugin.json": JSON.stringify({ id, name: id, version: "1.0.0" }), ...files })) {
        mkdirSync(dirname(join(plugins, id, name)), { recursive: true });
        writeFileSync(join(plugins, id, name), text);
      }
      return join(plugins, id, entry);
    },
  };
}

/** Where the addon for databases is, if these tests were told. */
const addon = () => (process.env.OUTBOARD_SQLITE_ADDON ? { OUTBOARD_SQLITE_ADDON: process.env.OUTBOARD_SQLITE_ADDON } : {});

/** A plugin's process and the conversation with it. */
export class RunnerProcess {
  logs = [];
  events = [];
  stdout = "";
  stderr = "";
  state;
  #lastFrame;

  static async spawn(t, folder, entry, options = {}) {
    const runner = new RunnerProcess();
    await runner.#spawn(t, folder, entry, options);
    return runner;
  }

  async #spawn(t, folder, entry, { id = "my-plugin", node = process.execPath, env = {}, state = {}, runner = RUNNER, cwd } = {}) {
    this.id = id;
    this.dataDir = join(folder.root, "data", id);
    const socket = join(folder.root, `s${Math.random().toString(36).slice(2, 8)}`);
    const listener = createServer();
    listener.listen(socket);
    await once(listener, "listening");
    // Closing the listener here removes its name; the process keeps the socket, and this second name leads to it.
    this.socket = `${socket}.l`;
    linkSync(socket, this.socket);
    this.child = spawn(node, ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", join(runner, "boot.mjs"), entry], {
      cwd: cwd ?? dirname(dirname(entry)),
      env: { PATH: process.env.PATH, HOME: folder.root, ...addon(), OUTBOARD_PLUGIN_ID: id, OUTBOARD_RPC_FDS: "4,5", OUTBOARD_HTTP_FD: "3", OUTBOARD_DATA_DIR: this.dataDir, ...env },
      stdio: ["ignore", "pipe", "pipe", listener._handle.fd, "pipe", "pipe"],
    });
    listener.close();
    this.#converse(state);
    this.exited = once(this.child, "close").then(([code, signal]) => {
      this.peer.end(new Error(`the runner exited with ${code ?? signal}; its standard error: ${this.stderr}`));
      return { code, signal };
    });
    t.after(async () => {
      this.child.kill("SIGKILL");
      await this.exited;
    });
  }

  #converse(given) {
    const [, , , , input, output] = this.child.stdio;
    this.child.stdout.setEncoding("utf8").on("data", (text) => (this.stdout += text));
    this.child.stderr.setEncoding("utf8").on("data", (text) => (this.stderr += text));
    input.on("error", () => {}); // a process that ends early closes it first
    this.state = { config: new Map(), defaults: new Map(), token: null, airline: null, dataDir: this.dataDir, logs: this.logs, channels: new Set(), prefixes: new Set(), ...given };
    const host = new MemoryHost(this.state, () => this.peer, (channel, payload) => this.events.push({ channel, payload }));
    this.host = host;
    this.noise = [];
    this.peer = new Peer((frame) => {
      this.#lastFrame = frame;
      input.write(`${frame}\n`);
    }, {
      request: (method, params) => (this.answer?.(method, params) ?? host.answer(method, params)),
      notification: (method, params) => host.told(method, params),
      noise: (line) => this.noise.push(line),
    });
    const decoder = new LineDecoder({ line: (line, utf8) => this.peer.receive(line, utf8) });
    output.on("data", (chunk) => decoder.push(chunk));
    output.on("error", () => {});
  }

  /** The id of the call that was made last. */
  lastId() {
    return this.#lastFrame && JSON.parse(this.#lastFrame).id;
  }

  /** The handshake. */
  initialize() {
    return this.peer.request("initialize", {
      protocolVersions: [1],
      host: { name: "scripted", version: "0" },
      plugin: { id: this.id, version: "1.0.0", installDir: "/", dataDir: this.dataDir },
      http: { baseUrl: "http://127.0.0.1:2066", prefix: `/api/${this.id}` },
      features: [],
    });
  }

  /** Handshake and start. */
  async start() {
    await this.initialize();
    return this.peer.request("start", {});
  }

  /** Stops it as the supervisor does; gives how it exited. */
  async stop() {
    await this.peer.request("stop", { reason: "stopped" });
    return this.exited;
  }

  /** An HTTP request over the plugin's socket. */
  async http(path, { method = "GET", headers = {}, body } = {}) {
    const req = request({ socketPath: this.socket, path, method, headers: { host: "127.0.0.1:2066", ...headers } });
    req.end(body);
    const [res] = await once(req, "response");
    let text = "";
    for await (const chunk of res.setEncoding("utf8")) text += chunk;
    return { status: res.statusCode, headers: res.headers, text, json: () => JSON.parse(text) };
  }
}

/** Waits until a condition holds; the deadline is a guard against hanging, not a measure. */
export async function until(what, condition, deadline = 20_000) {
  const end = Date.now() + deadline;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < end, `gave up waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
