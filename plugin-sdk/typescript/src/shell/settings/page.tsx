//! The page of a plugin's settings, in place of its UI: `/_outboard/shell/<id>?settings`. None of the plugin's code runs in it.

import { useEffect, useState, type ReactNode } from "react";
import { Card, CardContent, CardDescription, CardHeader, CardTitle } from "../../ui/components/card.js";
import { usePluginConnection, usePluginContext } from "../../ui/react.js";
import { Notice } from "../notice.js";
import { SettingsForm } from "./form.js";
import type { Setting } from "./setting.js";

/** Whether the address asks for it. */
export function asksForSettings(location: Location): boolean {
  return location.search === "?settings";
}

/** The settings of the plugin that the page is connected to; the operator's page knows its name. */
export function SettingsPage({ name }: { name?: string }): ReactNode {
  const connection = usePluginConnection();
  const { pluginId, config, connected } = usePluginContext();
  const [settings, setSettings] = useState<readonly Setting[] | null>(null);
  const [failed, setFailed] = useState("");
  useEffect(() => {
    if (!connected) return;
    connection.settings().then(setSettings as (settings: unknown[]) => void, (error: Error) => setFailed(error.message));
  }, [connection, connected]);
  if (failed) return <Notice kind="error" text={`The settings of plugin "${pluginId}" cannot be shown: ${failed}`} />;
  if (!settings) return null;
  return (
    <div className="outboard-page">
      <Card>
        <CardHeader>
          <CardTitle>Settings of {name ?? pluginId}</CardTitle>
          <CardDescription>The plugin is told of each change at once.</CardDescription>
        </CardHeader>
        <CardContent>
          <SettingsForm settings={settings} values={config.getAll()} save={(key, value) => connection.configure(key, value)} reset={(key) => connection.reset(key)} />
        </CardContent>
      </Card>
    </div>
  );
}
