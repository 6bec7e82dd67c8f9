//! How the runner takes a module: its kind, its TypeScript, and what lies around the plugin. A check tells beforehand what a start does.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { RUNNER, RunnerProcess, pluginsFolder, until } from "./scripted-host.mjs";

const SDK = "@skyvexsoftware/stratos-sdk";
const COMMONJS = JSON.stringify({ name: "greeter", version: "1.0.0", type: "commonjs" });
const MODULE = JSON.stringify({ private: true, type: "module" });
const hello = (what) => `export default { onStart(ctx) { ctx.logger.info("t", String(${what})); }, onStop() {} };`;

/** Another Node than the one that runs the tests, for those who have several. */
const NODE = process.env["OUTBOARD_TEST_NODE"] ?? process.execPath;

function plugin(t, files, { entry = "background/index.js", above = {}, generated } = {}) {
  const folder = pluginsFolder(t, { generated });
  for (const [name, text] of Object.entries(above)) {
    mkdirSync(dirname(join(folder.root, name)), { recursive: true });
    writeFileSync(join(folder.root, name), text);
  }
  return { folder, path: folder.write("my-plugin", files, entry), root: join(folder.plugins, "my-plugin") };
}

const check = ({ path, root }) =>
  JSON.parse(execFileSync(NODE, ["--experimental-vm-modules", "--no-warnings", join(RUNNER, "check.mjs"), path, root], { encoding: "utf8" }));

/** Starts it, and gives what it logged first. The check finds nothing against it. */
async function said(t, made, options = {}) {
  assert.deepEqual(check(made), []);
  const runner = await RunnerProcess.spawn(t, made.folder, made.path, { node: NODE, cwd: made.root, ...options });
  await runner.start();
  await until("the record came", () => runner.logs.length > 0);
  return runner.logs[0].message;
}

/** Starts it, and gives the sentence that refuses it. */
async function refused(t, made) {
  const runner = await RunnerProcess.spawn(t, made.folder, made.path, { node: NODE, cwd: made.root });
  await runner.initialize();
  let sentence;
  await assert.rejects(runner.peer.request("start"), (error) => ((sentence = error.message), true));
  return sentence;
}

const CJS = `const { createPlugin } = require("${SDK}/helpers");\nconst { lib } = require("./lib");\nmodule.exports = createPlugin({ onStart(ctx) { ctx.logger.info("t", lib); }, onStop() {} });`;
const ESM = `import { createPlugin } from "${SDK}/helpers";\nimport { lib } from "./lib.js";\nexport default createPlugin({ onStart(ctx) { ctx.logger.info("t", lib); }, onStop() {} });`;

for (const [what, files, above] of [
  ["after npm init has said commonjs", { "package.json": COMMONJS }, {}],
  ["below an application that is commonjs", {}, { "package.json": COMMONJS }],
  ["below an application of modules", {}, { "package.json": MODULE }],
  ["with a package.json that says nothing", { "package.json": "{}" }, { "package.json": MODULE }],
]) {
  test(`an ES module is one ${what}`, async (t) => {
    assert.equal(await said(t, plugin(t, { "background/index.js": ESM, "background/lib.js": `export const lib = "a module";`, ...files }, { above })), "a module");
  });
  test(`a CommonJS file is one ${what}`, async (t) => {
    assert.equal(await said(t, plugin(t, { "background/index.js": CJS, "background/lib.js": `exports.lib = "common";`, ...files }, { above })), "common");
  });
}

test("a package in the plugin's own folder says its own kind", async (t) => {
  const files = {
    "package.json": COMMONJS,
    "background/index.js": `import old from "old";\nimport { now } from "now";\n${hello("old.what + now")}`,
    "node_modules/old/package.json": JSON.stringify({ name: "old", main: "index.js", type: "commonjs" }),
    "node_modules/old/index.js": `exports.what = "old";`,
    "node_modules/now/package.json": JSON.stringify({ name: "now", exports: "./index.js", type: "module" }),
    "node_modules/now/index.js": `export const now = "now";`,
  };
  assert.equal(await said(t, plugin(t, files)), "oldnow");
});

test("an ES module that holds the words module.exports is one", async (t) => {
  const bundled = `import { createRequire } from "node:module";\nvar wrap = (f, m) => (f((m = { exports: {} }), m.exports), m.exports);\nvar lib = wrap((module, exports) => { module.exports = "wrapped"; });\n${hello("lib")}`;
  assert.equal(await said(t, plugin(t, { "background/index.js": bundled })), "wrapped");
});

test("top-level await makes a module", async (t) => {
  assert.equal(await said(t, plugin(t, { "package.json": COMMONJS, "background/index.js": `const v = await Promise.resolve(7);\n${hello("v")}` })), "7");
});

const ts = (main, files = {}) => ({ "src/main.ts": main, ...files });
const TS = { entry: "src/main.ts" };

for (const [what, files, value] of [
  ["enums and parameter properties", ts(`enum E { A = 3 }\nclass P { constructor(public readonly v: number) {} }\n${hello("new P(E.A).v")}`), "3"],
  ["paths of tsconfig.json, with comments and a base", ts(`import { v } from "@/x";\nimport { w } from "lib/y";\n${hello("v + w")}`, {
    "src/x.ts": "export const v: number = 7;",
    "src/lib/y/index.ts": "export const w: number = 1;",
    "tsconfig.json": `{ // as the compiler takes it\n "extends": "./base.json", }`,
    "base.json": JSON.stringify({ compilerOptions: { paths: { "@/*": ["./src/*"], "lib/*": ["./src/lib/*"] } } }),
  }), "8"],
  ["JSON without an attribute", ts(`import p from "./p.json";\n${hello("p.n")}`, { "src/p.json": `{"n":1}` }), "1"],
  ["a namespace of types alone", ts(`namespace T { export interface A { v: number } }\ndeclare namespace G { const x: number; }\nconst a: T.A = { v: 2 };\n${hello("a.v")}`), "2"],
  ["an at sign that is not a decorator", ts(`const at: string = "a@b.c"; // @x\n${hello("at")}`), "a@b.c"],
  ["require in a file without imports", ts(`const { v } = require("./v") as { v: number };\nmodule.exports = { onStart(ctx: any) { ctx.logger.info("t", String(v)); }, onStop() {} };`, { "src/v.js": "exports.v = 5;" }), "5"],
  ["import = and export = in such a file", ts(`import v = require("./v.js");\nexport = { onStart(ctx: any) { ctx.logger.info("t", String(v.v)); }, onStop() {} };`, { "src/v.js": "exports.v = 6;" }), "6"],
]) {
  test(`TypeScript with ${what} runs`, async (t) => {
    assert.equal(await said(t, plugin(t, { "package.json": COMMONJS, ...files }, TS)), value);
  });
}

const COMPILED = [
  ["a namespace", "\nnamespace Units { export const FT = 2; }\n" + hello("Units.FT"), 2, "the namespace Units"],
  ["a decorator", "\n\nconst d = (t: any, k: string, p: PropertyDescriptor) => p;\nclass A { @d m() { return 2; } }\n" + hello("new A().m()"), 4, "the decorator @d"],
  ["an accessor field", "class A { accessor x: number = 2; }\n" + hello("new A().x"), 1, "the accessor field x"],
];

for (const [what, source, line, name] of COMPILED) {
  test(`${what} is told with its line, and runs with the plugin's own esbuild`, async (t) => {
    const made = plugin(t, ts(`import { v } from "./deep";\nexport default v;`, { "src/deep.ts": source.replace("export default", "export const v ="), "tsconfig.json": `{"compilerOptions":{"experimentalDecorators":true}}` }), TS);
    const deep = join(made.root, "src/deep.ts");
    assert.deepEqual(check(made).map(({ place }) => place), [`${deep}:${line}`]);
    const sentence = await refused(t, made);
    assert.ok(sentence.includes(`${deep}:${line}: ${name} cannot be run by leaving out types`), sentence);
    assert.match(sentence, /npm install esbuild/);
    mkdirSync(join(made.root, "node_modules"));
    symlinkSync(dirname(createRequire(import.meta.url).resolve("esbuild/package.json")), join(made.root, "node_modules/esbuild"));
    assert.equal(await said(t, made), "2");
  });
}

test("CommonJS in a TypeScript module is told with its line", async (t) => {
  const made = plugin(t, ts(`import "node:fs";\nimport v = require("./v.js");\n${hello("v")}`), TS);
  const sentence = await refused(t, made);
  assert.ok(sentence.includes(`main.ts:2: \`import v = require(…)\` in an ES module`), sentence);
  assert.equal(check(made)[0].place, `${made.path}:2`);
});

test("a mistake in a file that is imported is told with that file and its line", async (t) => {
  const made = plugin(t, ts(`import "./deep";\n${hello(1)}`, { "src/deep.ts": `const a: number = 1;\nlet = = 2;\nexport {};` }), TS);
  assert.match(await refused(t, made), /src\/deep\.ts:2/);
  assert.match(check(made)[0].place, /src\/deep\.ts:2$/);
});

test("an import that leads nowhere is found by the check", (t) => {
  const problems = check(plugin(t, { "background/index.js": `import "left-pad";\nimport "./gone.js";\nimport "node:fs";\nimport "${SDK}";\n${hello(1)}` }));
  assert.equal(problems.length, 2, JSON.stringify(problems));
  assert.match(problems[0].reason, /"left-pad", which is not installed/);
  assert.match(problems[1].reason, /there is no file .*gone\.js/);
});

test("what another user has put above the plugins folder is not run", { skip: process.getuid() !== 0 && "needs root, to give a file to another user" }, async (t) => {
  const above = { "node_modules/optional/package.json": JSON.stringify({ name: "optional", main: "index.js" }), "node_modules/optional/index.js": `globalThis.POISON = true;` };
  for (const source of [`await import("optional").catch(() => {});\n${hello("globalThis.POISON")}`, `try { require("optional"); } catch {}\nmodule.exports = { onStart(ctx) { ctx.logger.info("t", String(globalThis.POISON)); }, onStop() {} };`]) {
    const made = plugin(t, { "background/index.js": source }, { above });
    assert.equal(await said(t, made), "true", "what is the user's own is");
    chownSync(join(made.folder.root, "node_modules"), 12345, 12345);
    assert.equal(await said(t, made), "undefined");
  }
});

test("a package.json of another user above the plugins folder names no package and no file", { skip: process.getuid() !== 0 && "needs root, to give a file to another user" }, async (t) => {
  const above = { "package.json": JSON.stringify({ name: SDK, exports: { "./helpers": "./evil.mjs" }, imports: { "#x": "./evil.mjs" } }), "evil.mjs": `globalThis.POISON = true;\nexport const createPlugin = (x) => x;` };
  const made = plugin(t, { "background/index.js": `import { createPlugin } from "${SDK}/helpers";\nawait import("#x").catch(() => {});\n${hello("globalThis.POISON")}` }, { above });
  for (const file of ["package.json", "evil.mjs"]) chownSync(join(made.folder.root, file), 12345, 12345);
  assert.equal(await said(t, made), "undefined");
});

for (const kind of ["import", "require"]) {
  test(`a folder in the place of the shared packages changes nothing for ${kind}`, async (t) => {
    const made = plugin(t, { "background/index.js": (kind === "import" ? ESM : CJS).replace('"t", lib', '"t", String(globalThis.POISON)'), "background/lib.js": kind === "import" ? "export const lib = 1;" : "exports.lib = 1;" }, { generated: false });
    const fake = join(made.folder.plugins, "node_modules", SDK);
    mkdirSync(fake, { recursive: true });
    writeFileSync(join(fake, "package.json"), JSON.stringify({ name: SDK, exports: { "./helpers": "./index.cjs" } }));
    writeFileSync(join(fake, "index.cjs"), "globalThis.POISON = 1; exports.createPlugin = (x) => x;");
    assert.equal(await said(t, made), "undefined");
  });
  test(`a copy of the package in the plugin's own folder is its own affair for ${kind}`, async (t) => {
    const made = plugin(t, { "background/index.js": (kind === "import" ? ESM : CJS).replace('"t", lib', '"t", String(globalThis.OWN)'), "background/lib.js": kind === "import" ? "export const lib = 1;" : "exports.lib = 1;" }, { generated: false });
    const own = join(made.root, "node_modules", SDK);
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "package.json"), JSON.stringify({ name: SDK, exports: { "./helpers": "./index.cjs" } }));
    writeFileSync(join(own, "index.cjs"), "globalThis.OWN = 1; exports.createPlugin = (x) => x;");
    assert.equal(await said(t, made), "1");
  });
}

for (const [where, place] of [["above the plugins folder", "package.json"], ["in the plugin's folder", "plugins/my-plugin/package.json"]]) {
  test(`a package.json ${where} that is not a plain file, or that never ends, is told and not waited on`, async (t) => {
    for (const [make, what] of [
      [(path) => execFileSync("mkfifo", [path]), /package\.json is a named pipe, .* remove it/],
      [(path) => symlinkSync("/dev/zero", path), /package\.json is a device/],
      [(path) => (writeFileSync(path, ""), truncateSync(path, 2 ** 40)), /package\.json is larger than 1048576 bytes/],
    ]) {
      const made = plugin(t, { "background/index.js": hello("1") });
      make(join(made.folder.root, place));
      assert.match(check(made)[0].reason, what);
      assert.match(await refused(t, made), what);
    }
  });
}

test("a module that is not a plain file is told by the check, which reads nothing of it", (t) => {
  const made = plugin(t, { "background/index.js": hello("1") });
  rmSync(made.path);
  symlinkSync("/dev/zero", made.path);
  assert.match(check({ ...made, path: "/dev/zero" })[0].reason, /\/dev\/zero is a device/);
});

test("a package.json above the plugins folder that another user wrote decides nothing", { skip: process.getuid() !== 0 && "needs root, to give a file away" }, async (t) => {
  const made = plugin(t, { "background/index.js": ESM, "background/lib.js": `export const lib = "a module";` }, { above: { "package.json": COMMONJS } });
  chownSync(join(made.folder.root, "package.json"), 4711, 4711);
  assert.equal(await said(t, made), "a module");
});
