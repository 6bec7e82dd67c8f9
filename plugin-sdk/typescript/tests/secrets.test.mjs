//! Where a token may turn up: everything that a plugin prints and logs of a request that failed, followed by canaries.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { RunnerProcess, pluginsFolder, until } from "./scripted-host.mjs";

/** The token that the host gives, and one that only the plugin knows. */
const BEARER = "canary-of-the-airline-7f3a";
const SIGN_IN = "canary-of-the-sign-in-91bc";
const OWN = "canary-of-the-plugins-own-c04d";
const CANARIES = [BEARER, SIGN_IN, OWN];

/** Runs `body` as a handler against a server that refuses everything, and waits for its end. */
async function printed(t, body) {
  const server = createServer((_req, res) => res.writeHead(401).end("{}")).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const folder = pluginsFolder(t);
  const source = `
    import http from "node:http";
    import util from "node:util";
    export default { onStart(ctx) { ctx.ipc.handle("go", async () => { ${body}
      console.log("the end of stdout"); console.error("the end of stderr");
    }); }, onStop() {} };`;
  const airline = { id: "va", baseUrl: `http://127.0.0.1:${server.address().port}`, token: BEARER };
  const runner = await RunnerProcess.spawn(t, folder, folder.write("my-plugin", { "background/index.js": source }), { state: { airline, token: SIGN_IN } });
  await runner.start();
  await runner.peer.request("ipc.invoke", { channel: "go" });
  await until("all of it was printed", () => runner.stdout.includes("the end of stdout") && runner.stderr.includes("the end of stderr"));
  return runner;
}

function hasNoCanary(runner, canaries = CANARIES) {
  for (const [where, text] of Object.entries({ stdout: runner.stdout, stderr: runner.stderr, logs: JSON.stringify(runner.logs) })) {
    for (const canary of canaries) assert.ok(!text.includes(canary), `${canary} is in ${where}: ${text.slice(Math.max(0, text.indexOf(canary) - 300), text.indexOf(canary) + 60)}`);
  }
}

test("no way to print the error of a request shows its bearer", async (t) => {
  const runner = await printed(t, `
    const error = await ctx.airline.createClient().get("/x").catch((thrown) => thrown);
    const token = await ctx.auth.getToken();
    console.error(error);
    console.error("It failed: %o", error);
    console.log("It failed", { error });
    console.dir(error, { depth: null });
    console.log(util.inspect(error, { depth: null, colors: true, showHidden: true }));
    console.warn(error.request, error.response);
    console.log(JSON.stringify(error), JSON.stringify(error.config));
    console.table(error.config.headers);
    console.group(error.config.headers); console.groupEnd();
    console.assert(false, "%o", error.config);
    console.trace(error.config);
    console.debug(\`the sign-in is \${token}, the header \${error.config.headers.Authorization}\`);
    ctx.logger.error("Airline", "It failed", error);
    ctx.logger.error("Airline", JSON.stringify(error.config.headers), { nested: ["authorization: '", { quote: "'\\r\\n" }], error: error.request });
    ctx.logger.error("Airline", "with " + token, { header: error.request._header, raw: ["Authorization", error.config.headers.Authorization] });`);
  hasNoCanary(runner);
  assert.match(runner.stderr, /AxiosError: Request failed with status code 401/);
  assert.match(runner.stderr, /Authorization: '\[not logged\]'/);
  assert.equal(runner.logs.length, 3);
  assert.equal(runner.logs[1].extra.nested[1].quote, "'\r\n", "what is told of a member leaves the others alone");
});

test("a credential of the plugin's own is known by its header", async (t) => {
  const runner = await printed(t, `
    const header = "Bearer ${OWN}";
    console.log({ headers: { Authorization: header, "proxy-authorization": [header], Accept: "x" } });
    console.log(util.inspect({ authorization: header, "Proxy-Authorization": header }, { colors: true }));
    console.log({ rawHeaders: ["Accept", "x", "Authorization", header], kOutHeaders: { authorization: ["Authorization", header] } });
    console.log({ _header: "GET / HTTP/1.1\\r\\nAuthorization: ${OWN}\\r\\nAccept: x\\r\\n\\r\\n" });
    console.log("curl -H 'Authorization: Bearer ${OWN}' http://x");
    console.log(JSON.stringify({ headers: { Authorization: header, Accept: "kept" } }));
    console.log(JSON.stringify({ sent: JSON.stringify({ Authorization: header, Accept: "kept too" }), twice: JSON.stringify(JSON.stringify({ authorization: header })) }));
    console.log(new Map([["Authorization", header]]), new URLSearchParams({ authorization: header }), new Headers({ authorization: header }));
    const failed = await new Promise((resolve) => http.get({ host: "127.0.0.1", port: 1, headers: { authorization: header } }).on("error", function (error) { resolve({ error, request: this }); }));
    console.error(util.inspect(failed, { depth: 5 }));
    ctx.logger.info("own", "curl -H 'Authorization: Bearer ${OWN}'", { headers: { Authorization: { deep: header } }, raw: ["Authorization", header], text: "Authorization: ${OWN}\\r\\nAccept: x" });`);
  hasNoCanary(runner);
  assert.match(runner.stdout, /\{"headers":\{"Authorization":"\[not logged\]","Accept":"kept"\}\}/);
  assert.match(runner.stdout, /Authorization\\":\\"\[not logged\]\\",\\"Accept\\":\\"kept too\\"/);
  assert.match(runner.stderr, /ECONNREFUSED/);
});

test("what holds no secret is printed as it is", async (t) => {
  const plain = `
    console.log("Authorization failed for the user '%s': %d of %i", "bob", 1.5, 2);
    console.log("authorization: none, see 'docs'", ["authorization", 7], { author: "x", authorizationUrl: "http://x" }, null, undefined, 5n);
    console.table([{ a: 1, b: "%s" }]);
    console.group("outer"); console.log("inner\\nlines"); console.groupEnd();
    console.log("%c styled", "color: red"); console.log("100%"); console.log();
    process.stdout.write("Authorization: Bearer written-by-itself\\n");`;
  const runner = await printed(t, plain);
  const { spawnSync } = await import("node:child_process");
  const { stdout } = spawnSync(process.execPath, ["-e", plain], { encoding: "utf8" });
  assert.equal(runner.stdout.replace("the end of stdout\n", ""), stdout);
});

test("a crash report and the refusal of a start show no token", async (t) => {
  const folder = pluginsFolder(t);
  const source = (then) => `export default { async onStart(ctx) { const token = await ctx.auth.getToken(); ${then} }, onStop() {} };`;
  const spawn = (id, then) => RunnerProcess.spawn(t, folder, folder.write(id, { "background/index.js": source(then) }), { id, state: { token: SIGN_IN } });
  const crashing = await spawn("crashing", `setImmediate(() => { throw new Error("refused: " + token); });`);
  await crashing.start();
  assert.equal((await crashing.exited).code, 1);
  assert.match(crashing.stderr, /Error: refused: \[not logged\]/);
  hasNoCanary(crashing);
  const refusing = await spawn("refusing", `throw new Error("refused: " + token);`);
  await refusing.initialize();
  await assert.rejects(refusing.peer.request("start"), (error) => !JSON.stringify([error.message, error.data]).includes(SIGN_IN) && /\[not logged\]/.test(error.message));
});
