import { Sdk } from "./shell.js";
export const { CallError, InvalidPluginError, PluginShellProvider, STRATOS_APP_BASE, UncloneableError, connect, createPlugin, usePluginContext } = Sdk;
