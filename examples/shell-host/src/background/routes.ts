//! The original shell's own paths, as Express routers: what its plugins ask over HTTP.

import { type Request, type Response, Router } from "express";
import type { Tracker } from "./tracker.js";

/** What the operator has set, for plugins to read. */
export interface Preferences {
  weightUnit: string;
  simbriefUsername: string;
}

/** A router for each of the shell's prefixes, and one that says which they are. */
export function routesOf(tracker: Tracker, preferences: () => Preferences): Record<string, Router> {
  let refreshed = 0;
  const answers = {
    "/api/config": answering("/", () => ({ data: preferences() })),
    "/api/flight-events": answering("/", () => tracker.log()),
    "/api/simulator": Router()
      .get("/flight-phase/snapshot", (_, response) => void response.json(tracker.phase()))
      .get("/landing-analysis/snapshot", (_, response) => void response.json(tracker.landing())),
    // The token opens nothing: there is no airline behind this host. One that is bound gives plugins its own, by `ctx.airline`.
    "/api/auth": Router().post("/va/refresh", (_, response) => void response.json({ data: { token: `simulated-${++refreshed}` } })),
    "/api/plugins-config": answering("/:plugin/airline", () => ({ data: {} })),
  };
  return { ...answers, "/api/shell-host": answering("/", () => ({ ui: "/_outboard/shell/shell-host", answers: Object.keys(answers) })) };
}

const answering = (path: string, answer: (request: Request) => unknown): Router => Router().get(path, (request: Request, response: Response) => void response.json(answer(request)));
