//! First file of the runner: says in words that any Node understands when this one is too old. The version is also checked by
//! the supervisor, which has other programs to try; a plugin's own wrapper may start this file with any Node.

const NEEDED = [20, 19];

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  console.error(`outboard: Node ${process.versions.node} (${process.execPath}) is too old to run plugins: version ${NEEDED.join(".")} or newer is needed`);
  process.exit(127); // before the handshake this means that the plugin cannot be started
}
void import("./main.mjs");
