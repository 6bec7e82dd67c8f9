//! Every plugin has an origin: what a page of one plugin tries against another and against the operator's pages in a real
//! browser, and that what it may do still works. Needs Chromium, as shell.test.mjs does.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { browser, withChromium } from "./chromium.mjs";
import { background, ui } from "./modules.mjs";
import { Supervisor } from "./supervisor.mjs";

const SECRET = "sk-SECRET-of-the-victim";
/** A name that is nobody's here, for pages from elsewhere. */
const ELSEWHERE = "provider.test";

withChromium(`--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`);

async function fresh(t) {
  const context = await browser.newContext();
  t.after(() => context.close());
  return context;
}

/** Counts what reaches it, keeps a secret, and gives its pages a cookie. */
const VICTIM = `
  import { Router } from "express";
  const seen = [];
  const router = Router();
  router.use((req, res, next) => { seen.push(req.method + " " + req.originalUrl + " " + (req.headers.cookie ?? "")); next(); });
  router.get("/page", (req, res) => res.cookie("session", "${SECRET}", { path: "/" }).type("html").send("<h1>victim's page</h1>"));
  router.get("/cookies", (req, res) => res.send(req.headers.cookie ?? "none"));
  router.use((req, res) => res.send("${SECRET}"));
  export default {
    async onStart(ctx) {
      ctx.server.registerRouter("/api/victim", router);
      ctx.server.registerRouter("/of-victim", router);
      ctx.ipc.handle("peek", () => "${SECRET}");
      ctx.ipc.handle("seen", () => seen.splice(0));
      await ctx.config.set("apikey", "${SECRET}");
    },
    onStop() {},
  };`;
/** Tells everybody who holds it what it knows. */
const VICTIM_UI = `
  import { usePluginContext } from "@skyvexsoftware/stratos-sdk";
  export default function Victim() {
    const { config } = usePluginContext();
    for (const holder of [parent, opener]) if (holder && holder !== window) holder.postMessage(config.get("apikey"), "*");
    return <h1>victim knows {config.get("apikey")}</h1>;
  }`;
const WORKER = `
  self.addEventListener("install", () => self.skipWaiting());
  self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));
  self.addEventListener("fetch", (event) => event.respondWith(new Response("<h1>TAKEN OVER</h1>", { headers: { "content-type": "text/html" } })));`;
const EVIL = `
  import { Router } from "express";
  const router = Router();
  const worker = (req, res) => res.set("Service-Worker-Allowed", "/").set("Clear-Site-Data", '"*"').type("js").send(${JSON.stringify(WORKER)});
  router.get("/sw.js", worker);
  router.get("/", worker);
  router.get("/page", (req, res) => res.type("html").send("<h1>evil's page</h1>"));
  router.get("/tossed", (req, res) => res.cookie("tossed", "by-evil", { domain: "localhost", path: "/" }).send("ok"));
  export default {
    onStart(ctx) {
      ctx.server.registerRouter("/api/evil", router);
      ctx.server.registerRouter("/of-evil", router);
    },
    onStop() {},
  };`;

async function house(t, settings) {
  const evilUi = await ui(`export default () => <h1>evil</h1>;`);
  const supervisor = await Supervisor.start(
    t,
    {
      evil: { "background/index.js": await background(EVIL), "ui/index.js": evilUi, "ui/sw.js": WORKER },
      victim: { "background/index.js": await background(VICTIM), "ui/index.js": await ui(VICTIM_UI) },
    },
    settings,
  );
  for (const id of ["evil", "victim"]) await supervisor.untilState(id, "running");
  return supervisor;
}

/** What reached the victim since the last time. */
const seen = (supervisor) => supervisor.json("call", "victim", "seen");

test("a page of a plugin gets nothing of another plugin's, nor of the operator's, whatever it tries", async (t) => {
  const supervisor = await house(t);
  const context = await fresh(t);
  const page = await context.newPage();
  // The victim's user has been here before, so that there is something to take.
  await page.goto(`${supervisor.origin("victim")}/api/victim/page`);
  await page.goto(`${supervisor.base}/_outboard/shell/victim`);
  await page.getByText(`victim knows ${SECRET}`).waitFor();
  await page.evaluate((secret) => localStorage.setItem("kept", secret), SECRET);
  await page.goto(`${supervisor.base}/_outboard/shell/evil`);
  await page.getByRole("heading", { name: "evil" }).waitFor();
  assert.equal(page.url(), `${supervisor.origin("evil")}/_outboard/shell/evil`);
  await seen(supervisor);

  const bases = ["victim.localhost", "outboard.localhost", "evil.localhost", "127.0.0.1", "localhost"].map((host) => `http://${host}:${supervisor.port}`);
  const paths = ["/api/victim/secret", "/of-victim/secret", "/_outboard/plugins/victim/ui/index.js", "/_outboard/shell/victim", "/_outboard/health", "/"];
  const frame = page.mainFrame();
  // Outside of the shell page's own policy as well: a document of the plugin's has none but what it sets itself.
  for (const own of ["/_outboard/shell/evil", "/api/evil/page"]) {
    await page.goto(`${supervisor.origin("evil")}${own}`);
    const got = await frame.evaluate(
      async ({ bases, paths, shell }) => {
        const told = [];
        const tell = (what, outcome) => told.push(`${what}: ${outcome}`);
        const text = (promise) => promise.then(async (answer) => `${answer.status} ${await answer.text()}`, (error) => `refused ${error.name}`);
        const bus = (base) =>
          new Promise((done) => {
            const socket = new WebSocket(`${base.replace("http", "ws")}/_outboard/bus`);
            const frames = [];
            socket.onerror = () => done("refused");
            socket.onopen = () => {
              socket.send(JSON.stringify({ type: "subscribe", plugin: "victim" }));
              socket.send(JSON.stringify({ type: "invoke", id: 1, plugin: "victim", channel: "peek", args: [] }));
            };
            socket.onmessage = ({ data }) => frames.push(data) === 2 && done(frames.join(" "));
          });
        const element = (name, url) =>
          new Promise((done) => {
            const made = document.createElement(name);
            made.onload = () => done("loaded");
            made.onerror = () => done("refused");
            Object.assign(made, name === "link" ? { rel: "stylesheet", href: url } : { src: url });
            document.body.append(made);
          });
        const form = (url) => {
          const frame = Object.assign(document.createElement("iframe"), { name: "target" });
          const made = Object.assign(document.createElement("form"), { method: "POST", action: url, target: "target" });
          return new Promise((done) => {
            frame.onload = () => done("sent");
            document.body.append(frame, made);
            made.submit();
          });
        };
        for (const base of bases) {
          for (const path of paths) {
            const url = base + path;
            // `/` at its own host is its own, and what the shell page is asked for at a bare name is asked for there.
            if (path === "/" && (base.includes("evil") || (shell && !base.includes(".localhost")))) continue;
            tell(`fetch ${url}`, await text(fetch(url, { credentials: "include" })));
            tell(`put ${url}`, await text(fetch(url, { method: "PUT", body: "x" })));
            tell(`no-cors ${url}`, await text(fetch(url, { mode: "no-cors", credentials: "include" })));
            tell(`post ${url}`, await text(fetch(url, { method: "POST", mode: "no-cors", body: "x" })));
            for (const name of ["img", "script", "link"]) tell(`${name} ${url}`, await element(name, url));
            if (path.includes("secret")) tell(`form ${url}`, await form(url));
          }
          tell(`bus ${base}`, await bus(base));
          tell(`beacon ${base}`, navigator.sendBeacon(`${base}/api/victim/beacon`, "x"));
        }
        return told;
      },
      { bases, paths, shell: own.includes("shell") },
    );
    for (const line of got) {
      assert.ok(!line.includes(SECRET), line);
      if (/^(fetch|put) /.test(line)) assert.match(line, /: (403|405|refused)/, line);
      if (/^(img|script|link) /.test(line)) assert.match(line, /: refused/, line);
      if (line.startsWith("bus ")) assert.match(line, /refused|not_found.*not_found/, line);
    }
  }
  assert.deepEqual(await seen(supervisor), [], "nothing that was tried reached the victim");
});

test("a page of a plugin cannot hold another's in a frame or a window", async (t) => {
  const supervisor = await house(t);
  const context = await fresh(t);
  const page = await context.newPage();
  await page.goto(`${supervisor.base}/_outboard/shell/victim`);
  await page.getByText(`victim knows ${SECRET}`).waitFor();
  await page.goto(`${supervisor.origin("evil")}/api/evil/page`);
  const targets = [
    `${supervisor.origin("victim")}/_outboard/shell/victim`,
    `${supervisor.base}/_outboard/shell/victim`,
    `${supervisor.origin("victim")}/_outboard/plugins/victim/ui/index.html`,
    `${supervisor.origin("victim")}/api/victim/page`,
    `${supervisor.origin("outboard")}/`,
  ];
  const frames = await page.evaluate(async (targets) => {
    globalThis.heard = [];
    addEventListener("message", ({ data }) => globalThis.heard.push(data));
    return Promise.all(
      targets.map(
        (src) =>
          new Promise((done) => {
            const frame = Object.assign(document.createElement("iframe"), { src });
            frame.onload = () => done(frame.contentDocument === null ? "closed" : "open");
            document.body.append(frame);
          }),
      ),
    );
  }, targets);
  assert.deepEqual(frames, targets.map(() => "closed"));
  for (const frame of page.frames().slice(1)) assert.doesNotMatch(await frame.content(), /victim knows|victim's page|id="root"|answers at/, "a frame shows what was refused");

  for (const url of targets) {
    const [popup] = await Promise.all([
      context.waitForEvent("page"),
      page.evaluate((url) => {
        globalThis.held = open(url);
      }, url),
    ]);
    await popup.waitForLoadState();
    if (url.includes("shell")) await popup.getByText(`victim knows ${SECRET}`).waitFor();
    const held = await page.evaluate(() => {
      const taken = [];
      for (const take of [() => held.document.body.innerText, () => held.localStorage.length, () => held.eval("1"), () => held.fetch("/"), () => held.location.href]) {
        try {
          taken.push(String(take()));
        } catch (error) {
          taken.push(error.name);
        }
      }
      held.postMessage({ type: "give me", secret: true }, "*");
      return taken;
    });
    for (const outcome of held) assert.match(outcome, /SecurityError|TypeError/, `${url}: ${held}`);
    if (url.includes("shell") || url.includes("outboard.localhost")) {
      assert.equal(await popup.evaluate(() => globalThis.opener), null, `${url} knows who opened it`);
    }
    await popup.close();
  }
  assert.deepEqual(await page.evaluate(() => globalThis.heard), []);
});

test("a plugin's service worker, cookies, caches and storage stay at its own origin", async (t) => {
  const supervisor = await house(t);
  const context = await fresh(t);
  const page = await context.newPage();
  await page.goto(`${supervisor.origin("victim")}/api/victim/page`);
  await page.evaluate((secret) => localStorage.setItem("kept", secret), SECRET);

  await page.goto(`${supervisor.origin("evil")}/api/evil/page`);
  const scopes = await page.evaluate(async () => {
    const register = (script, options) => navigator.serviceWorker.register(script, options).then(({ scope }) => new URL(scope).pathname, () => "refused");
    const got = [];
    for (const script of ["/api/evil/sw.js", "/of-evil/sw.js", "/of-evil", "/api/evil", "/_outboard/plugins/evil/ui/sw.js", "/_outboard/shell/shell.js"]) {
      for (const scope of ["/", "/api/", "/_outboard/"]) got.push(await register(script, { scope }));
    }
    for (const script of ["/of-evil/sw.js", "/api/evil", "/_outboard/plugins/evil/ui/sw.js"]) got.push(await register(script));
    got.push(await register("/api/evil/sw.js"));
    await navigator.serviceWorker.ready.catch(() => {});
    return got;
  });
  assert.deepEqual([...new Set(scopes.slice(0, -1))], ["refused"]);
  assert.equal(scopes.at(-1), "/api/evil/", "its own is allowed");

  const kept = await page.evaluate(async () => {
    await (await caches.open("of-evil")).put("/api/evil/x", new Response("x"));
    document.cookie = "tossed=by-script; domain=localhost; path=/";
    document.cookie = "mine=1; path=/";
    return [document.cookie, localStorage.length, (await indexedDB.databases()).length];
  });
  assert.deepEqual(kept, ["mine=1", 0, 0]);
  await page.goto(`${supervisor.origin("evil")}/of-evil/tossed`);

  await page.goto(`${supervisor.origin("victim")}/api/victim/cookies`);
  assert.equal(await page.locator("body").innerText(), `session=${SECRET}`);
  assert.deepEqual(await page.evaluate(async () => [await caches.keys(), (await navigator.serviceWorker.getRegistrations()).length, localStorage.getItem("kept")]), [[], 0, SECRET]);
  for (const [path, words] of [
    ["/", "Outboard"],
    ["/_outboard/shell/victim", "victim knows"],
    ["/api/victim/page", "victim's page"],
    ["/_outboard/shell/evil", "evil"],
  ]) {
    await page.goto(supervisor.base + path);
    await page.getByText(words).filter({ visible: true }).first().waitFor();
    assert.doesNotMatch(await page.locator("body").innerText(), /TAKEN OVER/, path);
  }
});

test("a bundle with the original shell's address baked in works whole under every name and port", async (t) => {
  const source = `
    import { Router } from "express";
    const router = Router();
    router.get("/fleet", (req, res) => res.json({ data: [{ id: 1, name: "Airbus A320" }] }));
    router.post("/fleet", (req, res) => res.send("posted"));
    router.get("/events", (req, res) => { res.type("text/event-stream"); res.write("data: event\\n\\n"); });
    router.get("/icon.svg", (req, res) => res.type("svg").send('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'));
    export default { onStart(ctx) { ctx.server.registerRouter("/api/baked", router); ctx.ipc.handle("hello", () => "hello"); }, onStop() {} };`;
  // As the original shell's build leaves it: shared modules from the window, and the address written out.
  const view = `
    const { useEffect, useState } = window.__stratos_modules__["react"];
    const { jsx, jsxs } = window.__stratos_modules__["react/jsx-runtime"];
    const { usePluginContext } = window.__stratos_modules__["@skyvexsoftware/stratos-sdk"];
    const STRATOS_APP_BASE = "http://127.0.0.1:2066";
    const api = STRATOS_APP_BASE + "/api/baked";
    const ways = {
      fetch: () => fetch(api + "/fleet").then((r) => r.json()).then(({ data }) => data[0].name),
      request: () => fetch(new Request(new URL(api + "/fleet"), { method: "POST", body: "x" })).then((r) => r.text()),
      xhr: () => new Promise((done) => { const x = new XMLHttpRequest(); x.onload = () => done(JSON.parse(x.response).data[0].name); x.onerror = () => done("failed"); x.open("GET", api + "/fleet"); x.send(); }),
      events: () => new Promise((done) => { const e = new EventSource(api + "/events"); e.onmessage = ({ data }) => { e.close(); done(data); }; e.onerror = () => done("failed"); }),
      socket: () => new Promise((done) => { const s = new WebSocket("ws://127.0.0.1:2066/_outboard/bus"); s.onerror = () => done("failed"); s.onopen = () => s.send(JSON.stringify({ type: "invoke", id: 1, plugin: "baked", channel: "hello", args: [] })); s.onmessage = ({ data }) => { s.close(); done(JSON.parse(data).result); }; }),
      image: () => new Promise((done) => { const i = new Image(); i.onload = () => done("image"); i.onerror = () => done("failed"); i.src = api + "/icon.svg"; }),
      text: () => new Promise((done) => { const d = document.createElement("div"); d.innerHTML = '<img src="' + api + '/icon.svg">'; d.firstChild.onload = () => done("text"); document.body.append(d); }),
      localhost: () => fetch("http://localhost:2066/api/baked/fleet").then((r) => r.json()).then(({ data }) => data[0].name),
    };
    export default function Baked() {
      const { socket } = usePluginContext();
      const [told, tell] = useState({});
      useEffect(() => { for (const [name, way] of Object.entries(ways)) way().catch((error) => error.message).then((outcome) => tell((before) => ({ ...before, [name]: outcome }))); }, [socket]);
      return jsxs("main", { children: [
        jsx("img", { src: api + "/icon.svg", alt: "icon" }), jsx("a", { href: api + "/fleet", children: "download" }),
        ...Object.entries(told).map(([name, outcome]) => jsx("p", { children: name + " = " + outcome }, name)),
      ] });
    }`;
  const supervisor = await Supervisor.start(t, { baked: { "background/index.js": await background(source), "ui/index.js": view } });
  await supervisor.untilState("baked", "running");
  for (const base of [supervisor.base, `http://localhost:${supervisor.port}`]) {
    const context = await fresh(t);
    const page = await context.newPage();
    await page.goto(`${base}/_outboard/shell/baked`);
    const wanted = {
      fetch: "Airbus A320", request: "posted", xhr: "Airbus A320", events: "event", socket: "hello", image: "image", text: "text", localhost: "Airbus A320",
    };
    for (const [name, outcome] of Object.entries(wanted)) await page.getByText(`${name} = ${outcome}`, { exact: true }).waitFor();
    assert.equal(await page.getByRole("link").getAttribute("href"), `${supervisor.origin("baked")}/api/baked/fleet`);
    assert.ok(await page.getByAltText("icon").evaluate((image) => image.complete && image.naturalWidth > 0));
  }
});

test("a sign-in comes back to its plugin's page from elsewhere, and nothing else from there arrives", async (t) => {
  const supervisor = await house(t);
  const provider = createServer((req, res) => {
    if (req.url.startsWith("/authorize")) return res.writeHead(302, { location: `${supervisor.base}/api/victim/page?code=1` }).end();
    res.setHeader("content-type", "text/html").end(`<a href="/authorize">sign in</a>`);
  }).listen(0, "127.0.0.1");
  await once(provider, "listening");
  t.after(() => provider.close());
  const context = await fresh(t);
  const page = await context.newPage();
  await page.goto(`http://${ELSEWHERE}:${provider.address().port}/`);
  await seen(supervisor);
  const outcome = await page.evaluate(async (bases) => {
    const got = [];
    for (const base of bases) {
      for (const mode of ["cors", "no-cors"]) got.push(await fetch(`${base}/api/victim/secret`, { mode, credentials: "include" }).then((answer) => answer.text(), () => "refused"));
    }
    return got;
  }, [supervisor.base, supervisor.origin("victim"), supervisor.origin("outboard")]);
  for (const text of outcome) assert.doesNotMatch(text, new RegExp(SECRET));
  assert.deepEqual(await seen(supervisor), []);
  await page.getByRole("link").click();
  await page.getByText("victim's page").waitFor();
  assert.equal(page.url(), `${supervisor.origin("victim")}/api/victim/page?code=1`);
});

test("without isolation all pages share one origin, and the first page and the status say so", async (t) => {
  const supervisor = await house(t, "[http]\nisolate_origins = false\n");
  const context = await fresh(t);
  const page = await context.newPage();
  await page.goto(supervisor.base);
  assert.equal(new URL(page.url()).host, `127.0.0.1:${supervisor.port}`);
  await page.getByRole("status").getByText("isolate_origins = false").waitFor();
  await page.getByRole("main").getByRole("link", { name: "victim", exact: true }).click();
  await page.frameLocator("#desk-frame").getByText(`victim knows ${SECRET}`).waitFor();
  assert.match(await supervisor.cli("status"), /share one origin \(isolate_origins = false\)/);
});
