//! vscode-jsonrpc between two Node processes over standard input and output: a child asks its parent for a value, as a plugin
//! asks its host, so many calls at once. Prints the processor time of both a call, and calls a second.
//!
//!   node vscode-jsonrpc.mjs FOLDER CALLS AT_ONCE        FOLDER is where the package is installed

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [folder, calls, atOnce, role] = process.argv.slice(2);
const { StreamMessageReader, StreamMessageWriter, createMessageConnection } = createRequire(join(folder, "x.js"))("vscode-jsonrpc/node");
const connect = (from, to) => {
  const connection = createMessageConnection(new StreamMessageReader(from), new StreamMessageWriter(to));
  connection.listen();
  return connection;
};
const spent = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

if (role === "child") {
  const host = connect(process.stdin, process.stdout);
  host.onRequest("run", async (count) => {
    const [begun, before] = [performance.now(), spent()];
    let left = count;
    const caller = async () => {
      while (left-- > 0) await host.sendRequest("config.get", { key: "key" });
    };
    await Promise.all(Array.from({ length: Number(atOnce) }, caller));
    return { seconds: (performance.now() - begun) / 1000, cpu: spent() - before };
  });
} else {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), folder, calls, atOnce, "child"], { stdio: ["pipe", "pipe", "inherit"] });
  const plugin = connect(child.stdout, child.stdin);
  const value = "x".repeat(60);
  plugin.onRequest("config.get", () => ({ value, found: true }));
  await plugin.sendRequest("run", 20_000); // so that both have compiled what they run
  const before = spent();
  const { seconds, cpu } = await plugin.sendRequest("run", Number(calls));
  console.log(JSON.stringify({ cpu_us: (spent() - before + cpu) / calls, a_second: calls / seconds }));
  plugin.dispose();
  child.kill();
}
