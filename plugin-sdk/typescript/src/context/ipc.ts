//! `ctx.ipc`: messages between a plugin and its own UIs. Payloads travel as tagged values.

import type { IpcInvokeParams } from "../generated/protocol.js";
import type { PluginPeer } from "../sides.js";
import type { PluginIPCRegistrar } from "../types.js";
import { CallError } from "../wire/error.js";
import { checkChannel } from "../names.js";
import { decode, encode } from "../tagged.js";
import type { Registrations } from "./registrations.js";

/** The registrar, and where the session brings the UI's calls. */
export interface IpcChannel {
  registrar: PluginIPCRegistrar;
  invoke(params: IpcInvokeParams): Promise<unknown>;
}

/** Makes the IPC registrar of a session. */
export function createIpc(peer: PluginPeer, registrations: Registrations): IpcChannel {
  const answers = new Map<string, (...args: unknown[]) => unknown>();
  const registrar: PluginIPCRegistrar = {
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
    send(channel, payload) {
      checkChannel(channel);
      peer.notify("ipc.send", payload === undefined ? { channel } : { channel, payload: encode(payload) });
    },
  };
  return {
    registrar,
    async invoke({ channel, args = [] }) {
      const answer = answers.get(channel);
      if (!answer) throw CallError.of("not_found", `the plugin handles no channel ${JSON.stringify(channel)}; it handles ${list([...answers.keys()])}`);
      return encode((await answer(...args.map(decode))) ?? null, "result");
    },
  };
}

function list(names: string[]): string {
  return names.length === 0 ? "none" : names.map((name) => JSON.stringify(name)).join(", ");
}
