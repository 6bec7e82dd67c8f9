//! Plain Node in the place of Electron: windows that remember what was loaded, and an application that can be quit.

import { EventEmitter } from "node:events";

/** Electron says where an application's files are. */
process.resourcesPath ??= "/nowhere";

/** What `import * as electron from "electron"` would give, and what the test sees of it. */
export function standIn(userData) {
  const handlers = new Map();
  const seen = { windows: [], views: [], errors: [], exited: undefined };
  const webContents = () => Object.assign(new EventEmitter(), {
    sent: [],
    loaded: [],
    reloads: 0,
    send(channel) { this.sent.push(channel); },
    loadURL(url) { this.loaded.push(url); },
    reload() { this.reloads += 1; },
    setWindowOpenHandler(handler) { this.openHandler = handler; },
  });
  class BrowserWindow extends EventEmitter {
    webContents = webContents();
    contentView = { addChildView: (view) => seen.views.push(view) };
    constructor(options) {
      super();
      this.options = options;
      seen.windows.push(this);
    }
    getContentSize() { return [1200, 800]; }
    isDestroyed() { return false; }
    async loadFile(file) { this.file = file; }
  }
  class WebContentsView {
    webContents = webContents();
    setBounds(bounds) { this.bounds = bounds; }
  }
  const app = Object.assign(new EventEmitter(), {
    requestSingleInstanceLock: () => true,
    whenReady: async () => {},
    getPath: () => userData,
    exit: (code) => { seen.exited = code; },
    // As Electron does: whoever prevents it quits later.
    quit() {
      let prevented = false;
      app.emit("before-quit", { preventDefault: () => (prevented = true) });
      if (!prevented) seen.exited = 0;
    },
  });
  const electron = {
    app,
    BrowserWindow,
    WebContentsView,
    ipcMain: { handle: (channel, handler) => handlers.set(channel, handler) },
    dialog: { showErrorBox: (title, text) => seen.errors.push({ title, text }) },
    shell: { openExternal: () => {} },
  };
  return { electron, seen, ask: (channel, ...args) => handlers.get(channel)({}, ...args) };
}
