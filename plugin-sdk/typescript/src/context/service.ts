//! `ctx.service`: what a host application or another plugin knows, and what this plugin provides to others. Values travel tagged, as
//! those of `ctx.ipc` do. Made by the session. Must not know any service.

import type { ServiceAskParams, ServiceCallParams, ServiceChangedParams, ServiceEventParams, ServiceSubscribedParams } from "../generated/protocol.js";
import { checkServiceMember, checkServiceName } from "../names.js";
import type { PluginPeer } from "../sides.js";
import { decode, encode } from "../tagged.js";
import type { AnyService, PluginContext, Service, ServiceCallAbout, ServiceChange, ServiceEventAbout, ServiceSubscribers, Unsubscribe } from "../types.js";
import { CallError, toWireError } from "../wire/error.js";
import type { ServedCall } from "../wire/peer.js";
import { Listeners } from "./listeners.js";
import type { Registrations } from "./registrations.js";

/** How long the host waits for an answer where nothing is said: of a provider, and of a consumer that is asked. */
const CALL_MS = 30_000;
const ASK_MS = 5_000;
/** As long as anything may wait for a person. */
const LONGEST_MS = 3_600_000;
/** How much longer than the host this side waits, so that the host's own word on a late answer arrives. */
const BEYOND_MS = 5_000;

/** `ctx.service`, and where the session brings what the host says of services. */
export interface ServiceChannel {
  service: PluginContext["service"];
  call(params: ServiceCallParams, call: ServedCall): Promise<unknown>;
  event(params: ServiceEventParams): void;
  changed(params: ServiceChangedParams): void;
  subscribed(params: ServiceSubscribedParams): void;
  /** Nobody hears or answers anything any more. */
  end(): void;
}

type Method = (params: unknown, about: ServiceCallAbout) => unknown;

/** Who hears one event of a service, and who answers it. While there is anybody, the host knows of it, once. */
interface Heard {
  listeners: Listeners<[unknown, ServiceEventAbout]>;
  count: number;
  answer?: (payload: unknown) => unknown;
}

/** What is known here of one service. */
class Known {
  readonly methods = new Map<string, Method>();
  readonly events = new Map<string, Heard>();
  readonly changes = new Listeners<[ServiceChange]>();
  readonly subscribers = new Listeners<[ServiceSubscribers]>();
}

/** Makes the services of a session. */
export function createServices(peer: PluginPeer, registrations: Registrations): ServiceChannel {
  const known = new Map<string, Known>();
  let ended = false;
  const of = (name: string): Known => {
    const found = known.get(name) ?? new Known();
    known.set(name, found);
    return found;
  };

  /** Adds whoever `put` adds to an event, and gives what takes him away again. */
  function hear(service: string, event: string, call: string, put: (heard: Heard) => () => void): Unsubscribe {
    if (ended) return () => {};
    const { events } = of(service);
    const heard: Heard = events.get(event) ?? { listeners: new Listeners(), count: 0 };
    const take = put(heard);
    if (heard.count++ === 0) {
      events.set(event, heard);
      registrations.add(call, peer.request("service.subscribe", { service, event }));
    }
    let here = true;
    return () => {
      if (!here) return;
      here = false;
      take();
      if (--heard.count > 0 || ended) return;
      events.delete(event);
      registrations.add(call, peer.request("service.unsubscribe", { service, event }));
    };
  }

  function make(name: string): Service<AnyService> {
    const said = (member: string, event: string) => `service(${JSON.stringify(name)}).${member}(${JSON.stringify(event)})`;
    return {
      name,
      async call(method, params?: unknown, { timeoutMs, signal } = {}) {
        checkServiceMember("method", method);
        checkTimeout(said("call", method), timeoutMs);
        const asked: ServiceCallParams = { service: name, method };
        if (params !== undefined) asked.params = encode(params, "params");
        if (timeoutMs !== undefined) asked.timeoutMs = Math.ceil(timeoutMs);
        return decode(await peer.request("service.call", asked, { timeoutMs: (timeoutMs ?? CALL_MS) + BEYOND_MS, signal }));
      },
      on(event, listener) {
        checkServiceMember("event", event);
        checkFunction(said("on", event), listener);
        return hear(name, event, said("on", event), ({ listeners }) => listeners.add(listener));
      },
      answer(event, answer) {
        checkServiceMember("event", event);
        checkFunction(said("answer", event), answer);
        return hear(name, event, said("answer", event), (heard) => {
          if (heard.answer) throw new Error(`${said("answer", event)}: it is answered already; call what the first answer() gave`);
          heard.answer = answer;
          return () => delete heard.answer;
        });
      },
      onChange: (listener) => of(name).changes.add(listener),
      provide(methods) {
        for (const [method, answer] of Object.entries(methods)) {
          checkServiceMember("method", method);
          checkFunction(said("provide", method), answer);
          of(name).methods.set(method, answer as Method);
        }
      },
      emit(event, payload?: unknown, { to, latest = false } = {}) {
        checkServiceMember("event", event);
        peer.notify("service.emit", {
          service: name,
          event,
          ...(payload === undefined ? {} : { payload: encode(payload) }),
          ...(to === undefined ? {} : { to }),
          ...(latest ? { latest } : {}),
        });
      },
      async ask(to, event, payload?: unknown, options = {}) {
        checkServiceMember("event", event);
        const { timeoutMs } = options;
        checkTimeout(said("ask", event), timeoutMs);
        const asked: ServiceAskParams = { service: name, event, to };
        if (payload !== undefined) asked.payload = encode(payload);
        if (options.default !== undefined) asked.default = encode(options.default, "default");
        if (timeoutMs !== undefined) asked.timeoutMs = Math.ceil(timeoutMs);
        const { value, because } = await peer.request("service.ask", asked, { timeoutMs: (timeoutMs ?? ASK_MS) + BEYOND_MS });
        return { value: decode(value), ...(because ? { because } : {}) };
      },
      onSubscribed: (listener) => of(name).subscribers.add(listener),
    };
  }

  async function reply(id: string, service: string, event: string, answer: Heard["answer"], payload: unknown): Promise<void> {
    try {
      if (!answer) throw CallError.of("not_found", `the plugin answers no event ${JSON.stringify(event)} of ${service}`);
      peer.notify("service.reply", { answer: id, result: encode((await answer(payload)) ?? null, "answer") });
    } catch (thrown) {
      peer.notify("service.reply", { answer: id, error: toWireError(thrown) });
    }
  }

  return {
    // The description is the compiler's alone.
    service: (name: string) => make(checkServiceName(name)),
    async call({ service, method, params, caller }, call) {
      const answer = known.get(service)?.methods.get(method);
      if (!answer) {
        const methods = [...(known.get(service)?.methods.keys() ?? [])].join(", ");
        throw CallError.of("method_not_found", `service ${service} has no method ${JSON.stringify(method)}; it has ${methods || "none"}`, { service });
      }
      const about: ServiceCallAbout = {
        caller: caller ?? "",
        get signal() {
          return call.signal;
        },
      };
      return encode((await answer(decode(params ?? null), about)) ?? null, "result");
    },
    event({ service, event, payload, missed = 0, answer }) {
      const heard = known.get(service)?.events.get(event);
      const value = decode(payload ?? null);
      heard?.listeners.tell(value, { missed });
      if (typeof answer === "string") void reply(answer, service, event, heard?.answer, value);
    },
    changed: ({ service, state, because }) => known.get(service)?.changes.tell({ state, ...(because ? { because } : {}) }),
    subscribed: ({ service, event, consumers }) => known.get(service)?.subscribers.tell({ event, consumers }),
    end() {
      ended = true;
      for (const { events, changes, subscribers } of known.values()) {
        for (const { listeners } of events.values()) listeners.clear();
        changes.clear();
        subscribers.clear();
      }
      known.clear();
    },
  };
}

function checkFunction(call: string, given: unknown): void {
  if (typeof given !== "function") throw new TypeError(`${call}: give a function, not ${given === null ? "null" : typeof given}`);
}

function checkTimeout(call: string, timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || (timeoutMs > 0 && timeoutMs <= LONGEST_MS)) return;
  throw new RangeError(`${call}: timeoutMs is ${timeoutMs}; give milliseconds, more than 0 and at most ${LONGEST_MS} (an hour)`);
}
