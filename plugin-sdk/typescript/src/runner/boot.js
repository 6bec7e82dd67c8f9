//! First file of the runner: says in words that any Node understands when this one is too old. The version is also checked by
//! the supervisor, which has other programs to try; a plugin's own wrapper may start this file with any Node.

const NEEDED = [20, 19];

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  console.error(`outboard: Node ${process.versions.node} (${process.execPath}) is too old to run plugins: version ${NEEDED.join(".")} or newer is needed`);
  process.exit(127); // before the handshake this means that the plugin cannot be started
}
if (process.execArgv.some((flag) => flag.startsWith("--inspect-wait"))) {
  void standAtTheFirstLine().then(() => import("./main.mjs"));
} else {
  void import("./main.mjs");
}

/** Node's own `--inspect-brk` would stand in this file; whoever debugs a plugin means the plugin's first line. */
async function standAtTheFirstLine() {
  const [{ Session }, { realpathSync }, { pathToFileURL }] = await Promise.all([import("node:inspector"), import("node:fs"), import("node:url")]);
  const session = new Session();
  session.connect();
  session.post("Debugger.enable");
  try {
    const entry = realpathSync(process.argv[2]);
    // An ES module is named by its address, CommonJS by its path.
    for (const url of [pathToFileURL(entry).href, entry]) session.post("Debugger.setBreakpointByUrl", { lineNumber: 0, url });
  } catch {
    // A module that is not there is told of where it is loaded.
  }
}
