//! What a UI has of the page beside its modules, in a real browser: components, the palette's classes in both themes, messages, ways to
//! other pages, what the host has set, and the airline's API.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { browser, withChromium } from "./chromium.mjs";
import { ui } from "./modules.mjs";
import { Supervisor } from "./supervisor.mjs";

withChromium();

async function open(t, supervisor, id, options = {}) {
  const page = await browser.newPage(options);
  t.after(() => page.close());
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(error.message));
  await page.goto(`${supervisor.base}/_outboard/shell/${id}`);
  return page;
}

/** A page with every component, as a plugin's author would write it. */
const GALLERY = `
import { Badge, Button, Card, CardAction, CardContent, CardDescription, CardFooter, CardHeader, CardTitle, cn } from "@skyvexsoftware/stratos-sdk";
export default () => <Card id="card">
  <CardHeader><CardTitle>Loadsheet</CardTitle><CardDescription>Speedbird 7, A320neo</CardDescription>
    <CardAction><Button variant="outline" size="sm">Refresh</Button></CardAction></CardHeader>
  <CardContent>
    <p className={cn("text-text-muted", false, { "font-bold": true }, "p-1", "p-2")} id="muted">Waiting for the simulator…</p>
    <p className="bg-card/50 border-border text-foreground" id="half">half</p>
    <p>{["default", "secondary", "destructive", "outline", "success", "warning"].map((variant) => <Badge key={variant} variant={variant}>{variant}</Badge>)}</p>
    <p style={{ display: "flex", flexWrap: "wrap", gap: 8 }}>{["default", "secondary", "destructive", "outline", "ghost", "link"].map((variant) => <Button key={variant} variant={variant}>{variant}</Button>)}
      <Button disabled>off</Button><Button size="icon" aria-label="Add">+</Button><Button asChild><a href="#/there">a link</a></Button></p>
  </CardContent>
  <CardFooter>Planned 62,500 kg</CardFooter>
</Card>;`;

/** A style sheet as Tailwind leaves it: a reset, and utilities. */
const CSS = `@layer theme, base, components, utilities;
@layer base { *, ::before, ::after { margin: 0; padding: 0; border: 0 solid; } }
@layer utilities { .p-2 { padding: 8px; } .mine { padding: 3px; background-color: rgb(1, 2, 3); } }`;

const style = (page, selector, name) => page.locator(selector).evaluate((element, name) => getComputedStyle(element)[name], name);

test("components and the palette's classes look as they should in both themes, beside a plugin's own reset", async (t) => {
  const supervisor = await Supervisor.start(t, { gallery: { "ui/index.js": await ui(GALLERY), "ui/index.css": CSS } });
  const seen = {};
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(t, supervisor, "gallery", { colorScheme });
    await page.getByText("Loadsheet").waitFor();
    assert.equal(await page.locator("html").getAttribute("class"), colorScheme);
    assert.equal(await style(page, "#card", "paddingTop"), "20px", "the plugin's reset must not take a component's looks");
    assert.equal(await style(page, "#muted", "paddingTop"), "8px", "of two classes for one thing the last one stays");
    assert.equal(await page.locator("#muted").getAttribute("class"), "text-text-muted font-bold p-2");
    seen[colorScheme] = { muted: await style(page, "#muted", "color"), half: await style(page, "#half", "backgroundColor"), page: await style(page, "body", "backgroundColor") };
    for (const width of [360, 1400]) {
      await page.setViewportSize({ width, height: 700 });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} pixels are enough`);
      if (process.env.OUTBOARD_SCREENSHOTS) await page.screenshot({ path: `${process.env.OUTBOARD_SCREENSHOTS}/gallery-${colorScheme}-${width}.png` });
    }
    assert.deepEqual(page.errors, []);
  }
  for (const what of ["muted", "half", "page"]) assert.notEqual(seen.light[what], seen.dark[what], what);
});

test("a plugin's own classes win over a component's, and its theme over the page's", async (t) => {
  const source = `import { Card } from "@skyvexsoftware/stratos-sdk"; export default () => <Card id="card" className="mine"><p className="text-foreground" id="text">x</p></Card>;`;
  const supervisor = await Supervisor.start(t, { own: { "ui/index.js": await ui(source), "ui/index.css": `${CSS} @layer theme { :root { --color-foreground: rgb(9, 8, 7); } }` } });
  const page = await open(t, supervisor, "own");
  await page.locator("#text").waitFor();
  assert.equal(await style(page, "#card", "paddingTop"), "3px");
  assert.equal(await style(page, "#card", "backgroundColor"), "rgb(1, 2, 3)");
  assert.equal(await style(page, "#text", "color"), "rgb(9, 8, 7)");
});

test("every text of the components can be read in both themes, and buttons are reached and pressed by keyboard alone", async (t) => {
  const supervisor = await Supervisor.start(t, { gallery: { "ui/index.js": await ui(GALLERY) } });
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(t, supervisor, "gallery", { colorScheme });
    await page.getByText("Loadsheet").waitFor();
    const poor = await page.evaluate(() => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
      const over = (layers) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const color of layers) Object.assign(canvas, { fillStyle: color }).fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      };
      const luminance = (layers) => over(layers).reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
      const failing = [];
      for (const element of document.querySelectorAll("#root [data-slot], #muted")) {
        if (element.disabled || ![...element.childNodes].some((node) => node.nodeType === 3)) continue;
        const behind = [];
        for (let each = element; each; each = each.parentElement) behind.unshift(getComputedStyle(each).backgroundColor);
        const [text, ground] = [luminance([...behind, getComputedStyle(element).color]), luminance(behind)];
        const contrast = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
        if (contrast < 4.5) failing.push(`${element.textContent}: ${contrast.toFixed(2)}`);
      }
      return failing;
    });
    assert.deepEqual(poor, [], colorScheme);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Refresh");
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
    for (let at = 0; at < 8; at++) await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "a link", "a disabled button is passed over");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.hash === "#/there");
  }
});

test("messages, ways to other pages, and members of the context under the shell's names", async (t) => {
  const source = `
    import { useShellAuth, useShellNavigation, useShellToast, usePluginLogger, usePluginContext, EventCategory, FlightPhase } from "@skyvexsoftware/stratos-sdk";
    export default () => {
      const context = usePluginContext(); const [auth, to, toast, logger] = [useShellAuth(), useShellNavigation(), useShellToast(), usePluginLogger()];
      const same = [auth === context.auth, to === context.navigation, toast === context.toast, logger === context.logger].join(" ");
      return <><h1>{context.pluginId} {to.getCurrentPath()}</h1><p>{same} {JSON.stringify([auth, context.airline, EventCategory.WARNING, FlightPhase.PUSH_BACK])}</p>
        <button onClick={() => { for (const kind of ["success", "error", "info", "warning"]) toast[kind]("a " + kind); }}>tell</button>
        <button onClick={() => to.navigateTo("/flights/7")}>inside</button>
        <button onClick={() => to.navigateToPlugin("other", "/landings")}>other</button>
        <button onClick={() => to.navigateToShell()}>home</button></>;
    };`;
  const plain = `import { usePluginContext } from "@skyvexsoftware/stratos-sdk"; export default () => { const { pluginId, navigation } = usePluginContext(); return <h1>{pluginId} at {navigation.getCurrentPath()}</h1>; };`;
  const supervisor = await Supervisor.start(t, { one: { "ui/index.js": await ui(source) }, other: { "ui/index.js": await ui(plain) } });
  const page = await open(t, supervisor, "one");
  await page.getByText('true true true true [{"isAuthenticated":false,"token":null,"user":null},null,"warning","push_back"]').waitFor();
  await page.getByRole("button", { name: "tell" }).click();
  for (const kind of ["success", "error", "info", "warning"]) await page.getByText(`a ${kind}`, { exact: true }).waitFor();
  await page.getByRole("button", { name: "inside" }).click();
  await page.waitForURL((url) => url.hash === "#/flights/7");
  await page.getByRole("heading", { name: "one /flights/7" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "one /flights/7" }).waitFor();
  await page.getByRole("button", { name: "other" }).click();
  await page.getByRole("heading", { name: "other at /landings" }).waitFor();
  assert.equal(page.url(), `${supervisor.origin("other")}/_outboard/shell/other#/landings`);
  await page.goBack();
  await page.getByRole("button", { name: "home" }).click();
  await page.getByRole("heading", { name: "Outboard" }).waitFor();
  assert.equal(page.url(), `${supervisor.origin("outboard")}/`);
  assert.deepEqual(page.errors, []);
});

test("what the host has set and the airline's API are asked for where they are, and a 401 once more with a new bearer", async (t) => {
  const heard = [];
  const airline = createServer((request, response) => {
    if (request.method === "OPTIONS") return response.writeHead(204, { "access-control-allow-origin": "*", "access-control-allow-headers": "authorization" }).end();
    heard.push(`${request.url} ${request.headers.authorization ?? "-"}`);
    response.setHeader("access-control-allow-origin", "*");
    response.writeHead(request.headers.authorization === "Bearer fresh" ? 200 : 401).end(JSON.stringify({ pilotID: "BAW7" }));
  }).listen(0, "127.0.0.1");
  await once(airline, "listening");
  t.after(() => airline.close());
  const source = `
    import { useShellConfig, useVaApi, usePluginContext } from "@skyvexsoftware/stratos-sdk"; import { useState } from "react";
    export default () => {
      const config = useShellConfig(), api = useVaApi(), { airline } = usePluginContext(); const [said, say] = useState("");
      const ask = () => api.get("/pilot/verify").then(({ data }) => say(data.pilotID), (error) => say(error.message));
      return <><h1>{config.get("simbriefUsername", "nobody")} {config.get("weightUnit", "?")} {airline?.base_url ?? "unbound"}</h1><button onClick={ask}>ask</button><output>{said}</output></>;
    };`;
  const supervisor = await Supervisor.start(t, { api: { "ui/index.js": await ui(source) } });
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.route("**/api/config", (route) => route.fulfill({ json: { data: { simbriefUsername: "sim", weightUnit: "kg" } } }));
  await page.route("**/api/auth/va/refresh", (route) => route.fulfill({ json: { data: { token: "fresh" } } }));
  await page.route("https://va.example/**", async (route) => {
    const answer = await route.fetch({ url: route.request().url().replace("https://va.example", `http://127.0.0.1:${airline.address().port}`) });
    await route.fulfill({ response: answer });
  });
  await page.goto(`${supervisor.base}/_outboard/shell/api`);
  await page.getByRole("heading", { name: "sim kg unbound" }).waitFor();
  await page.getByRole("button").click();
  await page.locator("output", { hasText: "no airline is bound" }).waitFor();
  await supervisor.cli("airline", "set", "va", "https://va.example");
  await page.getByRole("heading", { name: "https://va.example" }).waitFor();
  await page.getByRole("button").click();
  await page.locator("output", { hasText: "BAW7" }).waitFor();
  await page.getByRole("button").click();
  await supervisor.until("it was asked three times", () => heard.length === 3);
  assert.deepEqual(heard, ["/pilot/verify -", "/pilot/verify Bearer fresh", "/pilot/verify Bearer fresh"]);
});
