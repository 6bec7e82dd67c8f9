//! What the shell's hooks are outside a browser: a sentence. They are named here so that a file which both halves of a plugin import can
//! be loaded by the background module, and so that one package has the types of both.

import type * as Flight from "./ui/flight.js";
import type * as Shell from "./ui/shell.js";
import type * as Config from "./ui/shell-config.js";
import type * as Airline from "./ui/va-api.js";

type Hooks = typeof Flight & typeof Shell & typeof Config & Pick<typeof Airline, "useVaApi">;

function absent<Name extends keyof Hooks>(name: Name): Hooks[Name] {
  const sentence = `${name} works in a UI module, inside the shell page; a background module is given its ctx by onStart(ctx)`;
  return () => {
    throw new Error(sentence);
  };
}

export const useFlightEvents: Hooks["useFlightEvents"] = absent("useFlightEvents");
export const useFlightManager: Hooks["useFlightManager"] = absent("useFlightManager");
export const useFlightPhase: Hooks["useFlightPhase"] = absent("useFlightPhase");
export const useLandingAnalysis: Hooks["useLandingAnalysis"] = absent("useLandingAnalysis");
export const usePluginLogger: Hooks["usePluginLogger"] = absent("usePluginLogger");
export const useShellAuth: Hooks["useShellAuth"] = absent("useShellAuth");
export const useShellConfig: Hooks["useShellConfig"] = absent("useShellConfig");
export const useShellNavigation: Hooks["useShellNavigation"] = absent("useShellNavigation");
export const useShellToast: Hooks["useShellToast"] = absent("useShellToast");
export const useSimData: Hooks["useSimData"] = absent("useSimData");
export const useTrackingSession: Hooks["useTrackingSession"] = absent("useTrackingSession");
export const useVaApi: Hooks["useVaApi"] = absent("useVaApi");
