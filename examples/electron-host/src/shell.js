//! The main process: starts Outboard, shows the list of plugins, and each plugin's UI in a view of its own.
//!
//! `electron` is given by whoever calls, so that tests run this very code without it. Must not know how Outboard is asked.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { nodeForPlugins, startOutboard } from "@outboard/host";

/** The width of the list, in pixels. */
const LIST = 240;

/** Runs the application. Resolves when its window is there. */
export async function run({ app, BrowserWindow, WebContentsView, ipcMain, dialog, shell }) {
  if (!app.requestSingleInstanceLock()) return app.quit();
  await app.whenReady();
  let outboard;
  try {
    outboard = await start(app);
  } catch (error) {
    dialog.showErrorBox("Outboard did not start", error.message);
    return app.exit(1);
  }
  stopWith(app, outboard);
  outboard.on("failed", (why) => dialog.showErrorBox("Outboard does not run any more", why.message));

  const window = new BrowserWindow({ width: 1200, height: 800, webPreferences: { preload: join(import.meta.dirname, "preload.cjs") } });
  const view = new WebContentsView();
  // A plugin's page gets nothing of this application: no preload, no Node. What it opens goes to the browser.
  view.webContents.setWindowOpenHandler(({ url }) => {
    if (/^https?:/.test(url)) shell.openExternal(url);
    return { action: "deny" };
  });
  window.contentView.addChildView(view);
  const place = () => {
    const [width, height] = window.getContentSize();
    view.setBounds({ x: LIST, y: 0, width: Math.max(0, width - LIST), height });
  };
  window.on("resize", place);
  place();

  ipcMain.handle("plugins", async () => (await outboard.call("status")).plugins.map(({ id, name, state, cause, ui }) => ({ id, name, state, cause, ui })));
  ipcMain.handle("open", async (_event, id) => {
    view.webContents.loadURL(await outboard.uiUrl(id));
  });
  // What is shown is asked for again at each change.
  const changed = () => window.isDestroyed() || window.webContents.send("changed");
  await outboard.subscribe("host.subscribe", {}, (event) => {
    if (event.type === "plugin.state") changed();
  });
  outboard.on("restored", () => {
    changed();
    view.webContents.reload();
  });
  await window.loadFile(join(import.meta.dirname, "index.html"));
}

async function start(app) {
  const plugins = join(app.getPath("userData"), "plugins");
  if (!existsSync(plugins)) mkdirSync(plugins, { recursive: true });
  const { node, why } = await nodeForPlugins({ shipped: join(process.resourcesPath, "node") });
  console.error(why);
  const outboard = await startOutboard({
    plugins: join(app.getPath("userData"), "plugins"),
    data: join(app.getPath("userData"), "outboard"),
    settings: node === undefined ? {} : { javascript: { node } },
  });
  return outboard;
}

/** Every plugin runs its `onStop` before the application is gone. Where it is killed, Outboard goes by itself. */
function stopWith(app, outboard) {
  let stopped = false;
  app.on("before-quit", (event) => {
    if (stopped) return;
    event.preventDefault();
    outboard.stop().finally(() => {
      stopped = true;
      app.quit();
    });
  });
  app.on("window-all-closed", () => app.quit());
}
