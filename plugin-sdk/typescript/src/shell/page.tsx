//! The shell page: mounts the UI of the plugin that the address names (`/_outboard/shell/<id>`), with the modules that every
//! UI shares. A UI stays mounted while its plugin restarts; what it shows meanwhile is its own affair.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ComponentType } from "react";
import { createRoot } from "react-dom/client";
import { Toaster, toast } from "sonner";
import { PluginShellProvider } from "../ui/react.js";
import type { PluginSurface } from "../ui/surface.js";
import { comeHome } from "./baked.js";
import { Boundary, wordsOf } from "./boundary.js";
import { componentOf } from "./component.js";
import { beHeld } from "./held.js";
import { navigationOf } from "./navigation.js";
import { watchDevelopment } from "./development.js";
import type { ToastKind } from "./messages.js";
import { Notice } from "./notice.js";
import { ROUTER, routed } from "./router.js";
import { shareEarly, type SharingPage } from "./shared.js";
import { SettingsPage, asksForSettings } from "./settings/page.js";
import { StateBar } from "./state-bar.js";
import { addStyle } from "./style.js";
import { followTheme } from "./theme.js";

export { standIn } from "./stand-in.js";

/** The page's address: the last segment is the plugin. */
function pluginOf(path: string): string {
  return decodeURIComponent(path.replace(/\/+$/, "").split("/").at(-1) ?? "");
}

/** What the gateway wrote into the page: the heavy modules that this UI imports. */
function early(): string[] {
  const said = document.querySelector<HTMLMetaElement>('meta[name="outboard-early"]')?.content ?? "";
  return said.split(" ").filter(Boolean);
}

/** Where the operator's page is, which the gateway wrote into this one. */
function homeOf(): string {
  const said = document.querySelector<HTMLMetaElement>('meta[name="outboard-home"]')?.content || "/";
  return new URL(said, globalThis.location.href).href;
}

async function load(id: string): Promise<ComponentType> {
  const folder = `/_outboard/plugins/${encodeURIComponent(id)}/ui`;
  const styled = addStyle(folder);
  const wanted = early();
  await shareEarly(globalThis as SharingPage, wanted);
  const component = componentOf((await import(/* @vite-ignore */ `${folder}/index.js`)) as Record<string, unknown>);
  await styled;
  return wanted.includes(ROUTER) ? routed(component) : component;
}

/** Shows the plugin's UI. */
export async function mount(): Promise<void> {
  comeHome(globalThis as typeof globalThis & Window);
  followTheme(window);
  const id = pluginOf(globalThis.location.pathname);
  document.title = id;
  const home = homeOf();
  const held = beHeld(window, new URL(home).origin);
  const told = (kind: ToastKind) => (text: string) => {
    if (held.is) held.tell({ outboard: "toast", kind, text: String(text) });
    else toast[kind](text);
  };
  const surface: PluginSurface = {
    toast: { success: told("success"), error: told("error"), info: told("info"), warning: told("warning") },
    navigation: navigationOf(window, home, held),
    onPath: (listener) => {
      window.addEventListener("hashchange", listener);
      return () => window.removeEventListener("hashchange", listener);
    },
  };
  watchDevelopment(id);
  const root = createRoot(document.getElementById("root") as HTMLElement);
  try {
    const settings = asksForSettings(globalThis.location);
    const Plugin = settings ? () => <main><SettingsPage /></main> : await load(id);
    root.render(
      <QueryClientProvider client={new QueryClient()}>
        <PluginShellProvider pluginId={id} surface={surface} fallback={<Notice kind="wait" text="Connecting to Outboard…" />}>
          {!settings && <StateBar />}
          <Boundary>
            <Plugin />
          </Boundary>
          <Toaster closeButton richColors theme="system" />
        </PluginShellProvider>
      </QueryClientProvider>,
    );
  } catch (error) {
    root.render(<Notice kind="error" text={`The UI of plugin "${id}" cannot be shown: ${wordsOf(error)}`} />);
  }
}
