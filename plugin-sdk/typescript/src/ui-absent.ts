//! What the UI's components and hooks are outside a browser: a sentence. They are named here so that a file which both halves of a plugin
//! import can be loaded by the background module, and so that one package has the types of both.

import type * as Ui from "./ui/index.js";

function absent<Name extends keyof typeof Ui>(name: Name): (typeof Ui)[Name] {
  const sentence = `${name} works in a UI module, inside the shell page; a background module is given its ctx by onStart(ctx)`;
  return (() => {
    throw new Error(sentence);
  }) as unknown as (typeof Ui)[Name];
}

export const Badge: typeof Ui.Badge = absent("Badge");
export const Button: typeof Ui.Button = absent("Button");
export const Card: typeof Ui.Card = absent("Card");
export const CardAction: typeof Ui.CardAction = absent("CardAction");
export const CardContent: typeof Ui.CardContent = absent("CardContent");
export const CardDescription: typeof Ui.CardDescription = absent("CardDescription");
export const CardFooter: typeof Ui.CardFooter = absent("CardFooter");
export const CardHeader: typeof Ui.CardHeader = absent("CardHeader");
export const CardTitle: typeof Ui.CardTitle = absent("CardTitle");
export const cn: typeof Ui.cn = absent("cn");
export const PluginShellProvider: typeof Ui.PluginShellProvider = absent("PluginShellProvider");
export const usePluginConnection: typeof Ui.usePluginConnection = absent("usePluginConnection");
export const usePluginContext: typeof Ui.usePluginContext = absent("usePluginContext");
export const useService: typeof Ui.useService = absent("useService");
export const useServiceValue: typeof Ui.useServiceValue = absent("useServiceValue");
