//! What the page has for every UI from the start: one React, one query client, one SDK. The build makes a small module of each, which
//! the import map names.

import * as ReactQuery from "@tanstack/react-query";
import * as React from "react";
import * as ReactDom from "react-dom";
import * as ReactDomClient from "react-dom/client";
import * as JsxRuntime from "react/jsx-runtime";
import * as Sonner from "sonner";
import * as ShellSdk from "@outboard/shell/ui";
import * as Sdk from "../ui/index.js";
import * as Shell from "./page.js";
import { share, type SharingPage } from "./shared.js";

export { JsxRuntime, React, ReactDom, ReactDomClient, ReactQuery, Sdk, Shell, ShellSdk, Sonner };

/** Names by which a UI may import each SDK. */
declare const __OUTBOARD_SDK_NAMES__: { Sdk: string[]; ShellSdk: string[] };

const modules = {
  react: React,
  "react/jsx-runtime": JsxRuntime,
  "react-dom": ReactDom,
  "react-dom/client": ReactDomClient,
  "@tanstack/react-query": ReactQuery,
  sonner: Sonner,
};
const named = (names: string[], sdk: object): Record<string, object> => Object.fromEntries(names.map((name) => [name, sdk]));
share(globalThis as SharingPage, modules, { ...named(__OUTBOARD_SDK_NAMES__.Sdk, Sdk), ...named(__OUTBOARD_SDK_NAMES__.ShellSdk, ShellSdk) });
// The operator's page takes modules from here too, and mounts no UI.
if (document.getElementById("root")) void Shell.mount();
