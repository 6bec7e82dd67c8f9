//! `ctx.airline.createClient()` against a server whose tokens expire: one renewal for everybody, one more try for each.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { test } from "node:test";
import { runPlugin } from "../dist/testing/index.js";

/** An airline's API that takes one token; counts what it is asked. */
async function airlineServer(t, valid) {
  const seen = { total: 0, refused: 0, bodies: [], authorizations: [] };
  const server = createServer(async (req, res) => {
    seen.total++;
    seen.authorizations.push(req.headers.authorization);
    let body = "";
    for await (const chunk of req) body += chunk;
    seen.bodies.push(body);
    const good = req.headers.authorization === `Bearer ${valid()}`;
    if (!good) seen.refused++;
    res.writeHead(good ? 200 : 401, { "content-type": "application/json" }).end(JSON.stringify({ url: req.url, good }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { seen, baseUrl: `http://127.0.0.1:${server.address().port}` };
}

/** A plugin that gives its client away. */
async function client(airline) {
  let va;
  const plugin = await runPlugin({ onStart(ctx) { va = ctx.airline.createClient(); }, onStop() {} }, { airline });
  return { va, plugin };
}

test("fifty requests at once that meet an expired token cause one renewal and are each tried once more", async (t) => {
  const { seen, baseUrl } = await airlineServer(t, () => "new");
  let refreshes = 0;
  const { va, plugin } = await client({ id: "va", baseUrl, token: "old", refresh: async () => (refreshes++, "new") });
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => va.post(`/x/${i}`, { n: i })));
  assert.ok(answers.every(({ data }, i) => data.good && data.url === `/x/${i}`));
  assert.deepEqual([refreshes, seen.refused, seen.total], [1, 50, 100]);
  const sent = new Map();
  for (const body of seen.bodies) sent.set(body, (sent.get(body) ?? 0) + 1);
  assert.ok([...sent].every(([body, times]) => times === 2 && /^\{"n":\d+\}$/.test(body)), "the second try sends the same body");
  await plugin.stop();
});

test("a refused renewal gives each request its own 401", async (t) => {
  const { seen, baseUrl } = await airlineServer(t, () => "never");
  const { va, plugin } = await client({ id: "va", baseUrl, token: "old" });
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => va.get("/x")));
  assert.ok(outcomes.every(({ status, reason }) => status === "rejected" && reason.response.status === 401 && reason.isAxiosError));
  assert.equal(seen.total, 10, "nothing is tried again");
  await plugin.stop();
});

test("an answer that is read as a stream is tried again too, whichever way the request is made", async (t) => {
  const { baseUrl } = await airlineServer(t, () => "new");
  for (const adapter of ["http", "fetch"]) {
    const { va, plugin } = await client({ id: "va", baseUrl, token: "old", refresh: () => "new" });
    const { data } = await va.get("/x", { adapter, responseType: "stream" });
    let text = "";
    for await (const chunk of data) text += Buffer.from(chunk).toString();
    assert.equal(JSON.parse(text).good, true, adapter);
    await plugin.stop();
  }
});

test("a host that does not answer to the renewal leaves each request its own 401", async (t) => {
  const { seen, baseUrl } = await airlineServer(t, () => "never");
  for (const refresh of [() => Promise.reject(new Error("no answer within 30 s")), () => "fresh"]) {
    const { va, plugin } = await client({ id: "va", baseUrl, token: "old", refresh });
    await assert.rejects(va.get("/x"), (error) => error.response?.status === 401);
    await plugin.stop();
  }
  assert.equal(seen.total, 3);
});

test("a request is tried again once, not for ever", async (t) => {
  const { seen, baseUrl } = await airlineServer(t, () => "never");
  const { va, plugin } = await client({ id: "va", baseUrl, token: "old", refresh: () => "still-wrong" });
  await assert.rejects(va.get("/x"), (error) => error.response.status === 401);
  assert.deepEqual(seen.authorizations, ["Bearer old", "Bearer still-wrong"]);
  await plugin.stop();
});

test("the client follows the binding: base URL and bearer are those of the moment of each request", async (t) => {
  const one = await airlineServer(t, () => "a");
  const two = await airlineServer(t, () => "b");
  const { va, plugin } = await client({ id: "one", baseUrl: one.baseUrl, token: "a" });
  assert.equal((await va.get("/x")).data.good, true);
  plugin.setAirline({ id: "two", baseUrl: two.baseUrl, token: "b" });
  assert.equal((await va.get("/x")).data.good, true);
  plugin.setAirline(null);
  await assert.rejects(va.get("/x"), /no airline is bound/);
  assert.deepEqual([one.seen.total, two.seen.total], [1, 1]);
  await plugin.stop();
});

test("the bearer goes to nobody but the airline", async (t) => {
  const airline = await airlineServer(t, () => "secret");
  const stranger = await airlineServer(t, () => "none");
  const { va, plugin } = await client({ id: "va", baseUrl: airline.baseUrl, token: "secret", refresh: () => assert.fail("a stranger's 401 renews nothing") });
  await assert.rejects(va.get(`${stranger.baseUrl}/x`), (error) => error.response.status === 401);
  assert.equal(stranger.seen.total, 1);
  assert.ok(stranger.seen.authorizations.every((value) => value === undefined));
  await plugin.stop();
});

test("no path that a plugin is given leads the bearer elsewhere", async (t) => {
  const { seen, baseUrl } = await airlineServer(t, () => "secret");
  const stranger = await airlineServer(t, () => "none");
  const elsewhere = stranger.baseUrl.replace("http:", "");
  const { va, plugin } = await client({ id: "va", baseUrl, token: "secret", refresh: () => assert.fail("a stranger's 401 renews nothing") });
  for (const path of ["/../x", `@${elsewhere.slice(2)}/x`, `\\\\${elsewhere}/x`, `/x\r\nHost: ${elsewhere.slice(2)}\r\n\r\n`]) {
    assert.equal((await va.get(path)).data.good, true, path);
  }
  // These are addresses without a scheme: refused, or asked without the bearer.
  for (const path of [`${elsewhere}/x`, `/${elsewhere}/x`]) await assert.rejects(va.get(path), path);
  assert.ok(stranger.seen.authorizations.every((value) => value === undefined));
  assert.deepEqual(new Set(seen.authorizations), new Set(["Bearer secret"]));
  await plugin.stop();
});

test("a redirect keeps the bearer within the airline and loses it elsewhere, names below the airline's too", async (t) => {
  const seen = [];
  const server = createServer((req, res) => {
    seen.push([req.headers.host, req.url, req.headers.authorization]);
    const port = server.address().port;
    const to = { "/out": `http://api.localhost:${port}/end`, "/in": `http://localhost:${port}/end` }[req.url];
    if (to) res.writeHead(302, { location: to }).end();
    else res.end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const port = server.address().port;
  const lookup = (_name, _options, done) => done(null, "127.0.0.1", 4);
  const { va, plugin } = await client({ id: "va", baseUrl: `http://localhost:${port}`, token: "secret" });
  await va.get("/in", { lookup });
  await va.get("/out", { lookup });
  assert.deepEqual(seen, [
    [`localhost:${port}`, "/in", "Bearer secret"],
    [`localhost:${port}`, "/end", "Bearer secret"],
    [`localhost:${port}`, "/out", "Bearer secret"],
    [`api.localhost:${port}`, "/end", undefined],
  ]);
  await plugin.stop();
});

test("what the client throws can be logged without the bearer", async (t) => {
  const { baseUrl } = await airlineServer(t, () => "never");
  const plugin = await runPlugin(
    {
      async onStart(ctx) {
        const error = await ctx.airline.createClient().get("/x").catch((thrown) => thrown);
        ctx.logger.error("Airline", "It failed", error);
        ctx.logger.error("Airline", "It failed", { again: { error, config: error.config, response: error.response.config } });
      },
      onStop() {},
    },
    { airline: { id: "va", baseUrl, token: "bearer-of-the-airline" } },
  );
  assert.equal(plugin.logs.length, 2);
  assert.match(JSON.stringify(plugin.logs), /status code 401/);
  assert.doesNotMatch(JSON.stringify(plugin.logs), /bearer-of-the-airline/);
  await plugin.stop();
});

test("an interceptor and defaults of the author's own work as in any axios instance", async (t) => {
  const { seen, baseUrl } = await airlineServer(t, () => "a");
  const { va, plugin } = await client({ id: "va", baseUrl, token: "a" });
  va.defaults.headers.common["x-mine"] = "1";
  va.interceptors.request.use((config) => ({ ...config, params: { ...config.params, added: 1 } }));
  assert.equal((await va.get("/x", { params: { own: 2 } })).data.url, "/x?own=2&added=1");
  assert.equal(seen.total, 1);
  await plugin.stop();
});

test("the second try sends the bytes of the first, whatever transformations and interceptors made of the body", async (t) => {
  const { seen, baseUrl } = await airlineServer(t, () => "new");
  for (const kind of ["transform", "interceptor", "bytes", "form", "fields", "text"]) {
    seen.bodies.length = 0;
    const { va, plugin } = await client({ id: "va", baseUrl, token: "old", refresh: () => "new" });
    const send = {
      transform: () => va.post("/x", { z: 1 }, { transformRequest: [(body) => JSON.stringify({ wrapped: body })] }),
      interceptor: () => {
        va.interceptors.request.use((config) => ({ ...config, data: { wrapped: config.data } }));
        return va.post("/x", { z: 1 });
      },
      bytes: () => va.post("/x", Buffer.from("ü")),
      form: () => va.post("/x", formOf({ a: "1" })),
      fields: () => va.postForm("/x", { a: "1" }),
      // A length of the author's own that is not that of the body.
      text: () => va.post("/x", "text", { headers: { "Content-Type": "text/plain", "Content-Length": "2" } }),
    };
    assert.equal((await send[kind]()).data.good, true, kind);
    const [first, second] = seen.bodies;
    assert.ok(first.length > 0, kind);
    assert.equal(second, first, kind);
    // What is on the connection now is the next request and nothing else.
    assert.equal((await va.post("/y", { a: 1 })).data.url, "/y", kind);
    await plugin.stop();
  }
});

function formOf(members) {
  const form = new FormData();
  for (const [name, value] of Object.entries(members)) form.append(name, value);
  return form;
}

test("a stream is not sent a second time, and its 401 renews the bearer for the next try", async (t) => {
  const { seen, baseUrl } = await airlineServer(t, () => "new");
  const { va, plugin } = await client({ id: "va", baseUrl, token: "old", refresh: () => "new" });
  await assert.rejects(va.post("/x", Readable.from(["a", "b"])), (error) => error.response.status === 401 && /stream.*renewed/.test(error.message));
  assert.equal((await va.post("/x", Readable.from(["a", "b"]))).data.good, true);
  assert.deepEqual([seen.bodies, seen.authorizations], [["ab", "ab"], ["Bearer old", "Bearer new"]]);
  await plugin.stop();
});

test("a stream is begun with a new bearer where the present one is known to be refused", async (t) => {
  const { seen, baseUrl } = await airlineServer(t, () => "new");
  let reached = false;
  const refresh = () => {
    if (reached) return "new";
    reached = true;
    throw new Error("the airline cannot be reached for once");
  };
  const { va, plugin } = await client({ id: "va", baseUrl, token: "old", refresh });
  await assert.rejects(va.get("/x"), (error) => error.response.status === 401);
  assert.equal((await va.post("/x", Readable.from(["a", "b"]))).data.good, true);
  assert.deepEqual(seen.authorizations, ["Bearer old", "Bearer new"]);
  await plugin.stop();
});

test("a connection on which a stream was shorter than it said is not used again", async (t) => {
  const ports = [];
  const server = createServer((req, res) => {
    ports.push(req.socket.remotePort);
    // Answered at once: the rest of the body never comes.
    res.writeHead(200, { "content-type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { va, plugin } = await client({ id: "va", baseUrl: `http://127.0.0.1:${server.address().port}`, token: "a" });
  await va.post("/x", Readable.from(["ab"]), { headers: { "Content-Length": "20" } });
  await va.post("/y", { a: 1 });
  assert.equal(new Set(ports).size, 2);
  await plugin.stop();
});

test("a request is not sent again to an airline that was bound meanwhile", async (t) => {
  const one = await airlineServer(t, () => "never");
  const two = await airlineServer(t, () => "new");
  const bound = { id: "one", baseUrl: one.baseUrl, token: "old" };
  const { va, plugin } = await client({ ...bound, refresh: () => (plugin.setAirline({ id: "two", baseUrl: two.baseUrl, token: "new" }), "new") });
  await assert.rejects(va.post("/x", { a: 1 }), (error) => error.response.status === 401);
  assert.deepEqual([one.seen.total, two.seen.total], [1, 0]);
  await plugin.stop();
});
