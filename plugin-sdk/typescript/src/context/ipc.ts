//! `ctx.ipc`: messages between a plugin and its own UIs. Payloads travel as tagged values. Which call a handler works on follows
//! it through everything that it awaits, so that its signature is its arguments alone.

import { AsyncLocalStorage } from "node:async_hooks";
import type { IpcInvokeParams } from "../generated/protocol.js";
import type { PluginPeer } from "../sides.js";
import type { PluginIPCRegistrar } from "../types.js";
import { CallError } from "../wire/error.js";
import { checkChannel } from "../names.js";
import { decode, encode } from "../tagged.js";
import type { ServedCall } from "../wire/peer.js";
import type { Registrations } from "./registrations.js";

/** The registrar, and where the session brings the UI's calls. */
export interface IpcChannel {
  registrar: PluginIPCRegistrar;
  invoke(params: IpcInvokeParams, call: ServedCall): Promise<unknown>;
}

/** Makes the IPC registrar of a session. */
export function createIpc(peer: PluginPeer, registrations: Registrations): IpcChannel {
  const answers = new Map<string, (...args: unknown[]) => unknown>();
  const current = new AsyncLocalStorage<ServedCall>();
  const registrar: PluginIPCRegistrar = {
    get signal() {
      // Outside of any call a new one each time, so that listeners do not gather on it.
      return current.getStore()?.signal ?? new AbortController().signal;
    },
    handle(channel, answer) {
      checkChannel(channel);
      if (typeof answer !== "function") throw new TypeError(`ipc.handle(${JSON.stringify(channel)}): the second argument must be a function`);
      if (answers.has(channel)) throw new Error(`ipc.handle(${JSON.stringify(channel)}): the channel is handled already; call ipc.removeHandler first`);
      answers.set(channel, answer);
      registrations.add(`ipc.handle(${JSON.stringify(channel)})`, peer.request("ipc.handle", { channel }));
    },
    removeHandler(channel) {
      if (!answers.delete(checkChannel(channel))) return;
      registrations.add(`ipc.removeHandler(${JSON.stringify(channel)})`, peer.request("ipc.removeHandler", { channel }));
    },
    send(channel, payload, { retain = false } = {}) {
      checkChannel(channel);
      peer.notify("ipc.send", { channel, ...(payload === undefined ? {} : { payload: encode(payload) }), ...(retain ? { retain } : {}) });
    },
  };
  return {
    registrar,
    async invoke({ channel, args = [] }, call) {
      const answer = answers.get(channel);
      if (!answer) throw CallError.of("not_found", `the plugin handles no channel ${JSON.stringify(channel)}; it handles ${list([...answers.keys()])}`);
      const given = args.map(decode);
      return encode((await current.run(call, () => answer(...given))) ?? null, "result");
    },
  };
}

function list(names: string[]): string {
  return names.length === 0 ? "none" : names.map((name) => JSON.stringify(name)).join(", ");
}
