import { Sdk as all } from "./shell.js";
export const { Badge, Button, CallError, Card, CardAction, CardContent, CardDescription, CardFooter, CardHeader, CardTitle, InvalidPluginError, PluginShellProvider, STRATOS_APP_BASE, UncloneableError, cn, connect, createPlugin, usePluginConnection, usePluginContext, useService, useServiceValue } = all;
