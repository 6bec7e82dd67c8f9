//! The modules that the page has for every UI, in a real browser: one copy of each, loaded when it is wanted.

import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, withChromium } from "./chromium.mjs";
import { ui } from "./modules.mjs";
import { Supervisor } from "./supervisor.mjs";

withChromium("--enable-unsafe-swiftshader");

/** The page of a plugin, with the files of the shell that it asked for and what went wrong in it. */
async function open(t, supervisor, id, hash = "") {
  const page = await browser.newPage();
  t.after(() => page.close());
  Object.assign(page, { errors: [], files: [] });
  page.on("pageerror", (error) => page.errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && page.errors.push(message.text()));
  page.on("request", (request) => page.files.push(new URL(request.url()).pathname.split("/").at(-1)));
  await page.goto(`${supervisor.base}/_outboard/shell/${id}${hash}`);
  return page;
}

test("what a UI imports is what it reads off the page's object, and its toasts are shown by the page", async (t) => {
  const source = `
    import { toast } from "sonner"; import { io } from "socket.io-client"; import { createRouter } from "@tanstack/react-router";
    import { Map } from "maplibre-gl"; import old from "maplibre-gl"; import { Marker } from "react-map-gl/maplibre"; import { useQuery } from "@tanstack/react-query";
    const all = globalThis.__stratos_modules__;
    const same = [all.sonner.toast === toast, all["socket.io-client"].io === io, all["@tanstack/react-router"].createRouter === createRouter,
      all["maplibre-gl"].Map === Map, old.Map === Map, all["react-map-gl/maplibre"].Marker === Marker, all["@tanstack/react-query"].useQuery === useQuery];
    export default () => <button onClick={() => toast.success("cleared to land")}>{same.join(" ")}</button>;`;
  const supervisor = await Supervisor.start(t, { all: { "ui/index.js": await ui(source) } });
  const page = await open(t, supervisor, "all");
  await page.getByRole("button", { name: "true true true true true true true" }).click();
  await page.getByText("cleared to land").waitFor();
  assert.deepEqual(page.errors, []);
});

test("a bundle of the original shell's finds every shared module on the page's object, the heavy ones too", async (t) => {
  const names = ["react", "react-dom", "react/jsx-runtime", "@tanstack/react-query", "@tanstack/react-router", "@skyvexsoftware/stratos-sdk", "sonner", "socket.io-client", "maplibre-gl", "react-map-gl/maplibre"];
  const supervisor = await Supervisor.start(t, {
    external: { "ui/index.js": `const M = window.__stratos_modules__; const { jsx } = M["react/jsx-runtime"]; const { useNavigate } = M["@tanstack/react-router"];
      export default () => jsx("p", { children: "missing: " + ${JSON.stringify(names)}.filter((name) => !M[name]).join(" ") + typeof useNavigate() });` },
  });
  const page = await open(t, supervisor, "external");
  await page.getByText("missing: function").waitFor();
});

test("a UI that uses no heavy module loads none, and one that asks later loads it then", async (t) => {
  const source = `
    import { useState } from "react";
    export default () => { const [said, say] = useState("light"); return <button onClick={async () => say(typeof (await import("maplibre-gl")).Map)}>{said}</button>; };`;
  const supervisor = await Supervisor.start(t, { light: { "ui/index.js": await ui(source) } });
  const page = await open(t, supervisor, "light");
  const heavy = () => page.files.filter((name) => /maplibre|router|socket/.test(name));
  const button = page.getByRole("button", { name: "light" });
  await button.waitFor();
  assert.deepEqual(heavy(), []);
  await button.click();
  await page.getByRole("button", { name: "function" }).waitFor();
  assert.deepEqual(heavy(), ["maplibre-gl.js"]);
  assert.deepEqual(page.errors, []);
});

test("a map is drawn, with its worker from the page's own files", async (t) => {
  const source = `
    import { useState } from "react";
    import Map, { Source, Layer } from "react-map-gl/maplibre";
    const style = { version: 8, sources: {}, layers: [{ id: "sea", type: "background", paint: { "background-color": "#135" } }] };
    const line = { type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: [[-10, 0], [10, 10]] } };
    export default () => {
      const [state, set] = useState("drawing");
      return <><p>{state}</p><Map style={{ width: 300, height: 200 }} mapStyle={style} onIdle={(event) => event.target.querySourceFeatures("route").length > 0 && set("drawn")}>
        <Source id="route" type="geojson" data={line}><Layer id="route" type="line" paint={{ "line-color": "#fff", "line-width": 4 }} /></Source></Map></>;
    };`;
  const supervisor = await Supervisor.start(t, { map: { "ui/index.js": await ui(source) } });
  const page = await open(t, supervisor, "map");
  await page.getByText("drawn", { exact: true }).waitFor();
  assert.ok(page.files.includes("maplibre-gl-worker.mjs"), page.files.join(" "));
  assert.deepEqual(page.errors, []);
});

test("the router's hooks work in a UI, and where it is stands in the address", async (t) => {
  const source = `
    import { Link, useLocation, useNavigate } from "@tanstack/react-router";
    export default () => { const navigate = useNavigate(); return <>
      <h1>{useLocation().pathname}</h1><Link to="/flights/7">link</Link><button onClick={() => navigate({ to: "/settings" })}>go</button></>; };`;
  const supervisor = await Supervisor.start(t, { routed: { "ui/index.js": await ui(source) } });
  const page = await open(t, supervisor, "routed", "#/start");
  await page.getByRole("heading", { name: "/start" }).waitFor();
  await page.getByRole("link").click();
  await page.getByRole("heading", { name: "/flights/7" }).waitFor();
  assert.equal(new URL(page.url()).hash, "#/flights/7");
  await page.getByRole("button").click();
  await page.getByRole("heading", { name: "/settings" }).waitFor();
  await page.goBack();
  await page.getByRole("heading", { name: "/flights/7" }).waitFor();
  assert.deepEqual(page.errors, []);
});
