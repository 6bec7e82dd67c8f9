//! Loads the large parts that few plugins need, at their first use: axios, Express, the SQLite that the runner supplies.
//! They are built into files of their own beside the runner (`scripts/build.mjs` names them), so that a plugin which does
//! not need them does not pay for them.

import { createRequire } from "node:module";
import type { AxiosStatic } from "axios";
import type { Express } from "express";
import type { Faces } from "./context/faces.js";

declare const __OUTBOARD_BUNDLED__: string;

/** The SQLite that the runner supplies. */
export type Sqlite = typeof import("./database/sqlite.js");

const load = createRequire(import.meta.url);

function bundled<Module>(name: string): Module {
  return load(`${__OUTBOARD_BUNDLED__}${name}.cjs`) as Module;
}

/** The HTTP client of `ctx.airline.createClient`. */
export const loadAxios = (): AxiosStatic => bundled<{ default: AxiosStatic }>("axios").default;

/** The application that plugins' routers are mounted in. */
export const loadExpress = (): (() => Express) => bundled<{ default: () => Express }>("express").default;

/** The original shell's members of `ctx`. */
export const loadFaces = (): ReturnType<Faces["load"]> => bundled<{ FACES: ReturnType<Faces["load"]> }>("faces").FACES;

/** What opens the files of `ctx.database` where the plugin has no better-sqlite3. */
export const loadSqlite = (): Sqlite => bundled<Sqlite>("sqlite");
