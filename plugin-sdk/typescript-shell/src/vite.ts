//! The entry `…/vite`: how a plugin is built.

export * from "@outboard/plugin-sdk/vite";
