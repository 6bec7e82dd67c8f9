//! Whether a file is an ES module or CommonJS, told by its syntax alone, as Node tells it where no package.json says anything.
//! Used by the hooks and by the check.

import { compileFunction } from "node:vm";

export type Kind = "module" | "commonjs";

/** What V8 says where it meets a module's syntax in a script. Node decides by the same sentences. */
const MODULE_SYNTAX = ["Cannot use import statement outside a module", "Unexpected token 'export'", "Cannot use 'import.meta' outside a module"];
/** What it says of a script that may be right as a module: `await` at the top, or a name that CommonJS has taken. */
const MAY_BE_A_MODULE = ["await is only valid in async functions and the top level bodies of modules", "Unexpected reserved word"];
const TAKEN = ["exports", "require", "module", "__filename", "__dirname"];

/** The kind of a JavaScript text. One that nothing tells, or that is broken either way, is CommonJS. */
export function kindOf(source: string): Kind {
  const text = source.replace(/^#!.*/, "");
  const said = refusal(text, TAKEN);
  if (said === undefined) return "commonjs";
  if (MODULE_SYNTAX.includes(said)) return "module";
  const taken = TAKEN.some((name) => said === `Identifier '${name}' has already been declared`);
  if (!taken && !MAY_BE_A_MODULE.includes(said)) return "commonjs";
  const asModule = refusal(`return async () => {${text}\n}`, []);
  return asModule === undefined || MODULE_SYNTAX.includes(asModule) ? "module" : "commonjs";
}

function refusal(text: string, parameters: string[]): string | undefined {
  try {
    compileFunction(text, parameters);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Whether this Node tells the kinds apart by itself where no package.json does. */
export function nodeTellsKinds(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major === 20 ? minor >= 19 : major > 22 || (major === 22 && minor >= 7);
}
