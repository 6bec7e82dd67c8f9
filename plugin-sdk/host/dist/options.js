//! What an application says when it starts Outboard, and what holds where it says nothing.
//!
//! Read by the rest of the kit. Must not know how any of it is done.
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { HostError } from "./errors.js";
const LIMITS = { ready: 90_000, connect: 5_000, call: 120_000, stop: 60_000 };
const RESTART = { deaths: 5, within: 60_000, firstPause: 250, longestPause: 10_000 };
/** Digits of the data folder's hash in the runtime folder's name: few, since a socket's path may have no more than 107 bytes. */
const HASH_DIGITS = 12;
/** Fills in what was not said. */
export function decide(options) {
    const plugins = typeof options.plugins === "string" ? [options.plugins] : [...(options.plugins ?? [])];
    if (plugins.length === 0)
        throw new HostError("bad-option", "`plugins` names no folder; name the folder that holds the plugins' folders");
    if (typeof options.data !== "string" || options.data === "") {
        throw new HostError("bad-option", "`data` names no folder; name one of your application's own, in which configuration, databases and logs are kept");
    }
    for (const path of [...plugins, options.data])
        notInAnArchive(path);
    const data = resolve(options.data);
    return {
        plugins: plugins.map((folder) => resolve(folder)),
        data,
        runtimeDir: resolve(options.runtimeDir ?? runtimeDirOf(data)),
        listen: options.listen ?? "127.0.0.1:0",
        settings: options.settings ?? {},
        env: options.env ?? {},
        onLine: options.onLine ?? (() => { }),
        limits: { ...LIMITS, ...options.limits },
        restart: options.restart === false ? undefined : { ...RESTART, ...options.restart },
    };
}
/** The supervisor is a program of its own, and sees an archive as the one file that it is. */
function notInAnArchive(path) {
    if (/\.asar[/\\]/.test(path)) {
        throw new HostError("bad-option", `${path} lies inside an archive of Electron's, which no other program can look into; ship it beside the archive, with \`extraResources\` or \`asarUnpack\``);
    }
}
/** The same for the same data folder, so that the next start finds what a killed one left. */
function runtimeDirOf(data) {
    const hash = createHash("sha256").update(data).digest("hex").slice(0, HASH_DIGITS);
    const own = process.env["XDG_RUNTIME_DIR"];
    if (own?.startsWith("/"))
        return join(own, `outboard-${hash}`);
    return join(tmpdir(), `outboard-${process.getuid?.() ?? 0}-${hash}`);
}
//# sourceMappingURL=options.js.map