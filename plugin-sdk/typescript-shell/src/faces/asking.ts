//! `ctx.dialog` and `ctx.prompt`: they wait for a person, and never throw.

import type { DialogOpener, DialogOptions, PromptOpener, SelectPrompt } from "../types.js";
import { type Ground, onceEach, reasonOf, TAG, wordsOf } from "./ground.js";

/** How long a question stays open, where it does not say. */
const OPEN_MS = 300_000;
/** As long as a host takes. */
const LONGEST_MS = 3_600_000;

/** Asks by a service, and gives undefined where there is no answer, whatever the cause. */
function asker({ service, logger, stopping }: Ground, name: "dialog" | "prompt") {
  const warn = onceEach((sentence) => logger.warn(TAG, sentence));
  return async (method: string, given: { timeoutMs?: number }): Promise<unknown> => {
    try {
      const { timeoutMs: wanted = OPEN_MS, ...params } = given;
      const timeoutMs = wanted > 0 ? Math.min(wanted, LONGEST_MS) : OPEN_MS;
      return (await service(name).call(method, params, { timeoutMs, signal: stopping })) as unknown;
    } catch (error) {
      // Somebody who is not there, or took too long, is no news; that nobody could be asked is.
      if (!stopping.aborted && reasonOf(error) !== "timeout" && reasonOf(error) !== "cancelled") warn(`ctx.${name}.${method}() was not shown, and counts as cancelled: ${wordsOf(error)}`);
      return undefined;
    }
  };
}

/** Plain words are taken for the message. */
const dialogOf = (given: DialogOptions | string): DialogOptions => (typeof given === "object" && given !== null ? given : { message: String(given) });
const promptOf = <Prompt extends object>(given: Prompt): Prompt => (typeof given === "object" && given !== null ? given : ({ label: String(given) } as unknown as Prompt));

/** Makes `ctx.dialog`. */
export function createDialog(ground: Ground): DialogOpener {
  const ask = asker(ground, "dialog");
  return {
    alert: async (dialog) => void (await ask("alert", dialogOf(dialog))),
    confirm: async (dialog) => (await ask("confirm", dialogOf(dialog))) === true,
  };
}

/** Makes `ctx.prompt`. */
export function createPrompt(ground: Ground): PromptOpener {
  const ask = asker(ground, "prompt");
  return {
    async text(prompt) {
      const answer = await ask("text", promptOf(prompt));
      return typeof answer === "string" ? answer : null;
    },
    async number(prompt) {
      const answer = await ask("number", promptOf(prompt));
      return typeof answer === "number" ? answer : null;
    },
    async select<Value extends string>(prompt: SelectPrompt<Value>) {
      const answer = await ask("select", promptOf(prompt));
      return typeof answer === "string" ? (answer as Value) : null;
    },
  };
}
