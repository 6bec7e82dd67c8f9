//! UIs that want what the page does not have, in a real browser: each says so where it is used, and the rest of it is shown.

import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, withChromium } from "./chromium.mjs";
import { ui } from "./modules.mjs";
import { Supervisor } from "./supervisor.mjs";

withChromium();

/** The page of a plugin, with what it said in the console. */
async function open(t, supervisor, id) {
  const page = await browser.newPage();
  t.after(() => page.close());
  page.said = [];
  page.on("console", (message) => message.type() === "error" && page.said.push(message.text()));
  await page.goto(`${supervisor.base}/_outboard/shell/${id}`);
  return page;
}

const SENTENCE = (name) => `This UI uses ${name} of @skyvexsoftware/stratos-sdk, which this version of Outboard does not have.`;

test("a name that the page does not have blanks nothing: its place says so once, and the rest is shown", async (t) => {
  const source = `
    import { useState } from "react";
    import { Teleporter, Registry, useTeleport, delete as remove, usePluginContext } from "@skyvexsoftware/stratos-sdk";
    const home = Registry.home;
    const outcome = (act) => { try { act(); return "done"; } catch (error) { return error.message; } };
    export default function Plugin() {
      const [said, say] = useState("");
      return <>
        <h1>{usePluginContext().pluginId}</h1>
        <Teleporter to="EGLL"><b>inside</b></Teleporter>
        <Teleporter />
        <button onClick={() => say([outcome(() => useTeleport()), outcome(remove), outcome(() => \`\${home}\`)].join(" | "))}>try</button>
        <output>{said}</output>
      </>;
    }`;
  const supervisor = await Supervisor.start(t, { eager: { "ui/index.js": await ui(source) } });
  const page = await open(t, supervisor, "eager");
  await page.getByRole("heading", { name: "eager" }).waitFor();
  assert.equal(await page.locator("b").textContent(), "inside");
  assert.match(await page.getByRole("alert").first().textContent(), new RegExp(`^${SENTENCE("Teleporter")}.* \`outboard check\` lists`));
  await page.getByRole("button", { name: "try" }).click();
  const said = page.locator("output", { hasText: "|" });
  await said.waitFor();
  const sentences = (await said.textContent()).split(" | ");
  for (const [at, name] of ["useTeleport", "delete", "Registry.home"].entries()) assert.ok(sentences[at].startsWith(SENTENCE(name)), sentences[at]);
  assert.equal(page.said.filter((text) => text.includes("Teleporter")).length, 1, page.said.join("\n"));
});

test("names in a UI's other files, of other modules, and modules that are not there at all are stood in for as well", async (t) => {
  const supervisor = await Supervisor.start(t, {
    parted: {
      "ui/index.js": `import { jsx, Fragment } from "react/jsx-runtime"; import { Part } from "./parts/one.js";
        export default () => jsx(Fragment, { children: [jsx("h1", { children: "whole" }, 1), jsx(Part, {}, 2)] });`,
      "ui/parts/one.js": `import { jsx } from "react/jsx-runtime"; import { useTimeMachine } from "react"; import debounce, { Chunk } from "lodash";
        const outcome = (act) => { try { act(); return "done"; } catch (error) { return error.message; } };
        export const Part = () => jsx("pre", { children: [outcome(useTimeMachine), outcome(debounce), outcome(() => new Chunk())].join("\\n") });`,
    },
  });
  const page = await open(t, supervisor, "parted");
  await page.getByRole("heading", { name: "whole" }).waitFor();
  const [react, whole, named] = (await page.locator("pre").textContent()).split("\n");
  assert.match(react, /uses useTimeMachine of react, which this version/);
  assert.match(whole, /uses the default export of lodash, a module that Outboard's page does not have\. Bundle it into ui\/index\.js/);
  assert.match(named, /uses Chunk of lodash/);
});

test("a bundle that reads shared modules off the page's object is told in the same way", async (t) => {
  const supervisor = await Supervisor.start(t, {
    global: {
      "ui/index.js": `const { jsx } = window.__stratos_modules__["react/jsx-runtime"]; const sdk = window.__stratos_modules__["@skyvexsoftware/stratos-sdk"];
        const { Teleporter, usePluginContext } = sdk;
        export default () => jsx("main", { children: [usePluginContext().pluginId, " ", "Teleporter" in sdk ? "listed" : "not listed", jsx(Teleporter, {}, 1)] });`,
    },
  });
  const page = await open(t, supervisor, "global");
  await page.getByText("global not listed").waitFor();
  assert.ok((await page.getByRole("alert").textContent()).startsWith(SENTENCE("Teleporter")));
});

test("a UI that fails says what and where, can be tried again, and leaves the page as it is", async (t) => {
  const source = `
    export default function Fragile() {
      if (!globalThis.mended) throw globalThis.thrown ?? new Error("no runway");
      return <p>landed</p>;
    }`;
  const supervisor = await Supervisor.start(t, { fragile: { "ui/index.js": await ui(source) } });
  const page = await open(t, supervisor, "fragile");
  await page.getByRole("alert").getByText("This plugin's UI failed: no runway").waitFor();
  await page.getByText("Where").click();
  assert.match(await page.locator("pre").textContent(), /at Fragile/);
  await page.evaluate(() => (globalThis.thrown = { code: 7 }));
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText('This plugin\'s UI failed: it threw {"code":7}, which is not an Error').waitFor();
  await page.evaluate(() => (globalThis.mended = true));
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("landed").waitFor();
});
