//! Native addons that were built for another Node than the one that runs the plugin, as under Electron. Asked by whoever tells a
//! failure. Must not know where the addon is from.

/** What Node says of such an addon: the version of the interface that it was built for, and the one that is here. */
const OTHER_NODE = /NODE_MODULE_VERSION (\d+)\.[\s\S]*?NODE_MODULE_VERSION (\d+)/;

/** What to say before an error: that an addon is for another Node, and what to do; nothing for every other error. */
export function beforeAddon(error: Error): string {
  const [, built, here] = error.message.match(OTHER_NODE) ?? (error.cause instanceof Error ? error.cause.message.match(OTHER_NODE) : null) ?? [];
  if (built === undefined || here === undefined) return "";
  const electron = process.versions["electron"];
  const node = electron === undefined ? `Node ${process.version}` : `Electron ${electron}, as Node ${process.version}`;
  const rebuild = electron === undefined ? "`npm rebuild`" : `\`npx @electron/rebuild --version ${electron}\``;
  return `a native addon was built for another Node (interface ${built}) than the one that runs plugins (${node}, interface ${here}): run ${rebuild} in the plugin's folder, or name the Node that it was built for in the setting javascript.node; `;
}
