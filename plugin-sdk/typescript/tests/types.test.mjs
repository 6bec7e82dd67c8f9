//! What authors see in their editor: the examples and the documentation's calls type-check against the emitted types.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { pluginsFolder } from "./scripted-host.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const TSC = createRequire(import.meta.url).resolve("typescript/bin/tsc");

for (const example of ["fleet", "landing-reports", "status-badge", "airline-client", "counter-ts"]) {
  test(`the example ${example} type-checks`, () => {
    const { status, stdout } = spawnSync(process.execPath, [TSC, "--noEmit", "-p", join(ROOT, "examples", example)], { encoding: "utf8" });
    assert.equal(status, 0, stdout);
  });
}

for (const options of [["--module", "nodenext"], ["--module", "es2022", "--moduleResolution", "bundler"]]) {
  test(`a new TypeScript plugin is typed with nothing installed (${options[1]})`, (t) => {
    const folder = pluginsFolder(t);
    mkdirSync(join(folder.plugins, "greeter"));
    const file = join(folder.plugins, "greeter", "index.ts");
    copyFileSync(join(ROOT, "supervisor/cli/templates/index.js"), file);
    const tsc = (path) => spawnSync(process.execPath, [TSC, "--noEmit", "--strict", "--target", "es2022", ...options, path], { encoding: "utf8", cwd: folder.plugins });
    const right = tsc(file);
    assert.equal(right.status, 0, right.stdout);
    const wrong = folder.write("wrong", { "index.ts": readFileSync(file, "utf8").replace('ctx.logger.info("Start"', "ctx.logger.info(5") }, "index.ts");
    assert.match(tsc(wrong).stdout, /index\.ts\(\d+,\d+\): error TS2345: Argument of type 'number'/);
  });
}

test("a strict UI that uses every component, hook and member of the page type-checks, and a slip is told", (t) => {
  const folder = pluginsFolder(t);
  const source = `
    import { Badge, Button, Card, CardAction, CardContent, CardDescription, CardFooter, CardHeader, CardTitle, cn, EventCategory, FlightPhase,
      usePluginContext, usePluginLogger, useShellAuth, useShellConfig, useShellNavigation, useShellToast, useVaApi, type ButtonProps, type PluginToast } from "@skyvexsoftware/stratos-sdk";
    export default function Page(props: ButtonProps) {
      const { toast, navigation, airline, auth, config, logger } = usePluginContext();
      const same: PluginToast = useShellToast();
      const unit: string = useShellConfig().get<string>("weightUnit", "kg");
      const phase: FlightPhase = FlightPhase.TAXI; const category: EventCategory = EventCategory.LANDING;
      const load = async () => (await useVaApi().get<{ pilotID: string }>("/pilot/verify")).data.pilotID;
      same.success(unit); toast.warning(phase + category); useShellNavigation().navigateToPlugin("fleet", navigation.getCurrentPath());
      logger.info("Page", airline?.base_url ?? ""); usePluginLogger().debug("Page"); config.get("a", 1); void load;
      return <Card className={cn("a", { b: auth.isAuthenticated, c: useShellAuth().token })}><CardHeader><CardTitle>t</CardTitle><CardDescription>d</CardDescription>
        <CardAction><Button {...props} variant="outline" size="sm" onClick={(event) => event.currentTarget.blur()}>b</Button></CardAction></CardHeader>
        <CardContent><Badge variant="destructive">x</Badge></CardContent><CardFooter /></Card>;
    }`;
  const modules = (at) => ["react", "react-dom"].map((name) => [`${name}`, [createRequire(import.meta.url).resolve(`@types/${name}/package.json`).replace(/package\.json$/, at)]]);
  const check = (text) => {
    const file = folder.write("page", { "page.tsx": text }, "page.tsx");
    writeFileSync(join(dirname(file), "tsconfig.json"), JSON.stringify({
      compilerOptions: { strict: true, noEmit: true, target: "es2022", module: "es2022", moduleResolution: "bundler", jsx: "react-jsx", types: [], paths: Object.fromEntries([...modules("index.d.ts"), ["react/jsx-runtime", modules("jsx-runtime.d.ts")[0][1]]]) },
      files: ["page.tsx"],
    }));
    return spawnSync(process.execPath, [TSC, "-p", dirname(file)], { encoding: "utf8", cwd: folder.plugins });
  };
  const right = check(source);
  assert.equal(right.status, 0, right.stdout);
  assert.match(check(source.replace('variant="outline"', 'variant="loud"')).stdout, /TS2322: Type '"loud"'/);
  assert.match(check(source.replace("toast.warning(", "toast.warn(")).stdout, /TS2339|TS2551/);
});

test("every copy of the package exports the same names from the same entries, and none of a flight", async () => {
  const values = (exports) => Object.keys(exports).filter((name) => name !== "default").sort();
  const runner = join(ROOT, "plugin-sdk/typescript/dist-runner/node_modules/@outboard/plugin-sdk/index.mjs");
  const shell = readFileSync(join(ROOT, "supervisor/gateway/assets/shell/sdk.js"), "utf8").match(/export const \{ (.*) \}/)[1].split(", ");
  const [bare, helpers, ui] = await Promise.all(["index", "helpers", "ui/index"].map((entry) => import(`../dist/${entry}.js`)));
  assert.deepEqual(values(await import(runner)), values(bare));
  assert.deepEqual(shell, values(ui));
  for (const name of values(helpers)) assert.ok(name in bare && shell.includes(name), `${name} of helpers is nowhere else`);
  for (const name of ["createPlugin", "STRATOS_APP_BASE"]) assert.ok(name in helpers, `plugins import ${name} from helpers`);
  for (const name of shell) assert.doesNotMatch(name, /flight|^useSim|landing|tracking|^useShell|^useVa/i, "what only a flight simulator's shell knows is in @outboard/shell");
});
