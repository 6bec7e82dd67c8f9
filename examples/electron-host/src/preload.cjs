//! What the list's page may ask of the main process, and no more. Plugins' pages do not get it.

const { contextBridge, ipcRenderer } = require("electron");

contextBridge.exposeInMainWorld("host", {
  plugins: () => ipcRenderer.invoke("plugins"),
  open: (id) => ipcRenderer.invoke("open", id),
  onChange: (listener) => ipcRenderer.on("changed", () => listener()),
});
