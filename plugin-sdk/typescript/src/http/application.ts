//! The plugin's HTTP side: a real Express application on the listener that the host handed down, with every registered
//! router mounted in it. Loaded at the first router, so that a plugin without routes pays nothing. Must not know the wire.

import type { Server } from "node:http";
import type { Express, Request, Response, NextFunction } from "express";
import { loadExpress } from "../bundled.js";
import type { RequestRouter } from "../types.js";
import { asError } from "../wire/error.js";
import { mendRejections } from "./rejections.js";

/** Told of an error in a handler: the prefix, the request line and the error. */
export type ReportError = (request: string, error: Error) => void;

/** An application with the routers of one plugin. */
export class Application {
  readonly #express: Express;
  readonly #routers = new Map<string, RequestRouter>();
  #server: Server | undefined;

  constructor(private readonly report: ReportError) {
    this.#express = loadExpress()();
    this.#express.disable("x-powered-by");
    // Routers of Express 4 expect nested query parameters, and middleware of that time assigns to `req.query`.
    this.#express.set("query parser", "extended");
    this.#express.set("trust proxy", 1);
    this.#express.use(writableQuery);
  }

  /** Mounts a router below a prefix. */
  mount(prefix: string, router: RequestRouter): void {
    if (this.#routers.has(prefix)) throw new Error(`a router is registered at ${prefix} already`);
    this.#routers.set(prefix, router);
    this.#express.use(prefix, (req: Request, res: Response, next: NextFunction) => {
      mendRejections(router); // again at each request: a router may have got its first layer since
      return callRouter(router, req, res, next);
    }, this.#failed);
  }

  /** Serves on a descriptor, or for tests on a port of the loopback interface. Called once all routers of the start are there. */
  async listen(where: { fd: number } | { host: string; port: number }): Promise<Server> {
    if (this.#server) return this.#server;
    const { createServer } = await import("node:http");
    const server = createServer(this.#express);
    this.#server = server;
    // The supervisor in front bounds requests; a second, shorter limit here would cut streams that it allows.
    server.requestTimeout = 0;
    server.headersTimeout = 0;
    server.keepAliveTimeout = 0;
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(where, resolve));
    return server;
  }

  /** Takes no new connection; those that wait for nothing are closed. */
  close(): void {
    this.#server?.close();
    this.#server?.closeIdleConnections();
  }

  /** Behind each router: tells the author what a handler threw, and the client no more than a status. */
  readonly #failed = (thrown: unknown, req: Request, res: Response, next: NextFunction): void => {
    const error = asError(thrown);
    const status = statusOf(thrown);
    const known = status >= 400 && status < 500;
    if (!known) this.report(`${req.method} ${req.baseUrl}${req.path}`, error);
    if (res.headersSent) return next(error); // Express ends the connection: a cut answer must not look like a whole one
    res.status(known ? status : 500).json({ error: known ? error.message : "Internal Server Error" });
  };
}

/** The status that libraries of middleware give to their errors; 500 where there is none, or none that can be read. */
function statusOf(thrown: unknown): number {
  try {
    return Number((thrown as { status?: unknown } | null)?.status ?? 500);
  } catch {
    return 500;
  }
}

/** Express 5 mounts functions; a router or an application of any version is one, and an object with `handle` is taken too. */
function callRouter(router: RequestRouter, req: Request, res: Response, next: NextFunction): unknown {
  if (typeof router === "function") return router(req, res, next);
  return (router as { handle(req: Request, res: Response, next: NextFunction): unknown }).handle(req, res, next);
}

function writableQuery(req: Request, _res: Response, next: NextFunction): void {
  const query = req.query;
  Object.defineProperty(req, "query", { value: query, writable: true, configurable: true, enumerable: true });
  next();
}
