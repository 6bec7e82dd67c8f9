//! Loads the large parts that few plugins need, at their first use: axios, Express, the SQLite that the runner supplies.
//! They are built into files of their own beside the runner (`scripts/build.mjs` names them), so that a plugin which does
//! not need them does not pay for them.

import { createRequire } from "node:module";
import type { AxiosStatic } from "axios";
import type { Express } from "express";

declare const __OUTBOARD_BUNDLED__: string;

/** A synchronous SQLite over WebAssembly: the package node-sqlite3-wasm. */
export type WasmSqlite = typeof import("node-sqlite3-wasm");

const load = createRequire(import.meta.url);

function bundled<Module>(name: string): Module {
  return load(`${__OUTBOARD_BUNDLED__}${name}.cjs`) as Module;
}

/** The HTTP client of `ctx.airline.createClient`. */
export const loadAxios = (): AxiosStatic => bundled<{ default: AxiosStatic }>("axios").default;

/** The application that plugins' routers are mounted in. */
export const loadExpress = (): (() => Express) => bundled<{ default: () => Express }>("express").default;

/** The engine of `ctx.database` where neither the plugin nor Node has one. */
export const loadWasmSqlite = (): WasmSqlite => bundled<WasmSqlite>("sqlite");
