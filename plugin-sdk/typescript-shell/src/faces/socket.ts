//! `ctx.socket`: the shell's events by the names that they have on its wire. Undocumented, and used.

import type { ShellSocket } from "../types.js";
import { type Ground, TAG } from "./ground.js";

/** The events of the service `flight` that those names mean. */
const EVENTS: Readonly<Record<string, string>> = {
  "flight:phase": "phase",
  "flight:update": "update",
  "flight:event": "event",
  "flight:landing": "landing",
  "simulator:data": "simData",
  "pirep:filing": "pirepFiling",
};

type Listener = (payload: unknown) => void;

/** Makes the face. */
export function createSocket({ service, logger }: Ground): ShellSocket {
  const heard: { event: string; listener: Listener; off: () => void }[] = [];
  const unknown = new Set<string>();
  const socket: ShellSocket = {
    on(event, listener) {
      const name = Object.hasOwn(EVENTS, event) ? EVENTS[event] : undefined;
      if (name) heard.push({ event, listener, off: service("flight").on(name, (payload) => listener(payload)) });
      else if (!unknown.has(event)) {
        unknown.add(event);
        logger.warn(TAG, `ctx.socket.on(${JSON.stringify(event)}): this host has no such event, so it never comes; it has ${Object.keys(EVENTS).join(", ")}`);
      }
      return socket;
    },
    off(event, listener) {
      for (const one of heard.filter((one) => one.event === event && (listener === undefined || one.listener === listener))) {
        one.off();
        heard.splice(heard.indexOf(one), 1);
      }
      return socket;
    },
  };
  logger.info(TAG, "ctx.socket is not part of the shell's documented surface; ctx.flight.onPhaseChange, onUpdate, onSimData and onLanding tell the same");
  return socket;
}
