//! The shell page: mounts the UI of the plugin that the address names (`/_outboard/shell/<id>`), with the modules that every
//! UI shares. A UI stays mounted while its plugin restarts; what it shows meanwhile is its own affair.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Component, type ComponentType, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { PluginShellProvider, usePluginContext } from "../ui/react.js";
import { comeHome } from "./baked.js";

/** The page's address: the last segment is the plugin. */
function pluginOf(path: string): string {
  return decodeURIComponent(path.replace(/\/+$/, "").split("/").at(-1) ?? "");
}

/** What a UI module shows: its default export, else `App`, else its only component. */
export function componentOf(exports: Record<string, unknown>): ComponentType {
  const component = (value: unknown): value is ComponentType => typeof value === "function" || (typeof value === "object" && value !== null && "$$typeof" in value);
  const named = Object.entries(exports).filter(([name, value]) => /^[A-Z]/.test(name) && component(value));
  const found = [exports["default"], exports["App"], ...(named.length === 1 ? [named[0]?.[1]] : [])].find(component);
  if (!found) throw new Error(`ui/index.js must export a React component by default; it exports ${Object.keys(exports).join(", ") || "nothing"}`);
  return found;
}

class Boundary extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};
  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }
  override render(): ReactNode {
    const { error } = this.state;
    return error ? <Notice kind="error" text={`This plugin's UI failed: ${error.message}`} /> : this.props.children;
  }
}

function Notice({ kind, text }: { kind: "error" | "wait"; text: string }): ReactNode {
  return <p className={`outboard-notice outboard-${kind}`} role={kind === "error" ? "alert" : "status"}>{text}</p>;
}

/** Says what is amiss while the plugin is not running. */
function StateBar(): ReactNode {
  const { connected, state } = usePluginContext();
  if (!connected) return <Notice kind="wait" text="Outboard is not reached at this moment; connecting again…" />;
  return state === "running" || state === "ui-only" ? null : <Notice kind="wait" text={`The plugin is ${state}.`} />;
}

async function load(id: string): Promise<ComponentType> {
  const folder = `/_outboard/plugins/${encodeURIComponent(id)}/ui`;
  const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: `${folder}/index.css` });
  document.head.append(style);
  return componentOf((await import(/* @vite-ignore */ `${folder}/index.js`)) as Record<string, unknown>);
}

async function mount(): Promise<void> {
  comeHome(globalThis as typeof globalThis & Window);
  const id = pluginOf(globalThis.location.pathname);
  document.title = id;
  const root = createRoot(document.getElementById("root") as HTMLElement);
  try {
    const Plugin = await load(id);
    root.render(
      <QueryClientProvider client={new QueryClient()}>
        <PluginShellProvider pluginId={id} fallback={<Notice kind="wait" text="Connecting to Outboard…" />}>
          <StateBar />
          <Boundary>
            <Plugin />
          </Boundary>
        </PluginShellProvider>
      </QueryClientProvider>,
    );
  } catch (error) {
    root.render(<Notice kind="error" text={`The UI of plugin "${id}" cannot be shown: ${(error as Error).message}`} />);
  }
}

if (typeof document !== "undefined") void mount();
