//! The bare package in a browser: the SDK of UIs.

export * from "@outboard/plugin-sdk/ui";
