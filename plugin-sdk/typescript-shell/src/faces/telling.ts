//! `ctx.notify` and `ctx.plugin`: told and forgotten. That nobody shows it is logged once, and fails nothing.

import type { Indicator, Notifier, PluginFace, ToastOptions } from "../types.js";
import { type Ground, onceEach, TAG, wordsOf } from "./ground.js";

/** Tells a service, and waits for nothing. */
function teller({ service, logger, stopping }: Ground, name: "notify" | "plugin") {
  const warn = onceEach((sentence) => logger.warn(TAG, sentence));
  return (method: string, params?: object): void => {
    service(name)
      .call(method, params, { signal: stopping })
      .catch((error: unknown) => {
        if (!stopping.aborted) warn(`ctx.${name}.${method}() was not shown: ${wordsOf(error)}`);
      });
  };
}

/** Makes `ctx.notify`. */
export function createNotify(ground: Ground): Notifier {
  const tell = teller(ground, "notify");
  return {
    toast(given: ToastOptions | string, more: Omit<ToastOptions, "message"> = {}) {
      const toast = typeof given === "object" && given !== null ? given : { ...more, message: String(given) };
      tell("toast", { type: "info", ...toast });
    },
    playSound: (name) => tell("playSound", { sound: String(name) }),
    playCustomSound(pathInPlugin) {
      const path = String(pathInPlugin).replace(/^\.?\//, "");
      const inside = path.startsWith("assets/") && !path.split("/").some((part) => part === "" || part === "." || part === "..");
      if (inside) return tell("playCustomSound", { path });
      ground.logger.warn(TAG, `ctx.notify.playCustomSound(${JSON.stringify(pathInPlugin)}) was not played: give a file of the plugin below assets/, as in "assets/audio/ding.mp3"`);
    },
  };
}

/** Makes `ctx.plugin`. The indicator is told again to whoever provides it later. */
export function createPluginFace(ground: Ground): PluginFace {
  const tell = teller(ground, "plugin");
  let shown: Indicator | undefined;
  let watched = false;
  return {
    setIndicator(indicator) {
      if (indicator?.type !== "notification" && indicator?.type !== "warning") {
        ground.logger.warn(TAG, `ctx.plugin.setIndicator was given the type ${JSON.stringify(indicator?.type)}, and shows nothing: it is "notification" or "warning"`);
        return;
      }
      shown = indicator;
      tell("setIndicator", indicator);
      if (watched) return;
      watched = true;
      ground.service("plugin").onChange(({ state }) => {
        if (state === "available" && shown) tell("setIndicator", shown);
      });
    },
    clearIndicator() {
      shown = undefined;
      tell("clearIndicator");
    },
  };
}
