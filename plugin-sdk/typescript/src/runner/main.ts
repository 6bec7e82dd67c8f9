//! The runner: a Node process that runs one plugin's background module. Started by the supervisor as
//! `node boot.mjs <entry module>` with the protocol on the descriptors named by OUTBOARD_RPC_FDS, so that nothing that the
//! plugin or its children print can reach it. Joins descriptors, session and module; knows nothing of any method.

import { loadFaces } from "../bundled.js";
import { createLogger } from "../context/logger.js";
import { Session } from "../session.js";
import { withoutSecrets } from "../secrets.js";
import { asError, CallError } from "../wire/error.js";
import { keepSecretsOutOfConsole } from "./console.js";
import { reportCrashes, writeAll } from "./crash.js";
import { loadModule } from "./load.js";
import { DescriptorWire } from "./wire.js";

/** What the supervisor said in the environment. */
interface Started {
  entry: string;
  id: string;
  fds: { input: number; output: number };
  httpFd: number;
}

/** The members of `ctx` that modules written for the original shell count on. They are made of services when they are first read. */
declare const __OUTBOARD_FACES__: string[];

/** How long onStop may run after the host has gone without asking for a stop: nobody is left who could bound it. */
const ORPHAN_GRACE_MS = 2_000;

function started(): Started | undefined {
  const [, , entry] = process.argv;
  const [input, output] = (process.env["OUTBOARD_RPC_FDS"] ?? "").split(",").map(Number);
  if (!entry || !input || !output) return undefined;
  return { entry, id: process.env["OUTBOARD_PLUGIN_ID"] ?? "?", fds: { input, output }, httpFd: Number(process.env["OUTBOARD_HTTP_FD"] ?? 3) };
}

function run({ entry, id, fds, httpFd }: Started): void {
  let stopping = false;
  const wire = new DescriptorWire(fds, {
    line: (line, utf8) => session.peer.receive(line, utf8),
    oversized: (beginning) => session.peer.oversized(beginning),
    skipped: (ending) => session.peer.skipped(ending),
    closed: () => (stopping ? process.exit(0) : orphaned()),
  });
  keepSecretsOutOfConsole();
  const loading = loadModule(entry);
  const logCrash = (message: string, error: Error) => createLogger(session.peer).error("crash", message, error);
  reportCrashes(id, logCrash, () => wire.flushNow(), loading, (error) => session.before(error));
  const session: Session = new Session({
    send: (frame) => wire.send(frame),
    clogged: () => wire.clogged,
    load: () => loading,
    entry,
    listenAt: { fd: httpFd },
    faces: { names: __OUTBOARD_FACES__, load: loadFaces },
    // Never the line itself: it may be a part of a message, and a message may hold a token.
    noise: (line) => console.error(`outboard: the host sent a line of ${line.length} characters that is not a message`),
    stopped() {
      stopping = true;
      wire.finish(() => process.exit(0));
    },
  });

  /** The host closed the wire without asking for a stop: it died, or gave up on this process. */
  function orphaned(): void {
    session.peer.end(CallError.of("shutting_down", "the host closed the connection"));
    setTimeout(() => process.exit(0), ORPHAN_GRACE_MS);
    session.abandon().then(
      () => process.exit(0),
      (thrown) => {
        // Nobody reads the wire; standard error may still become the plugin's log.
        writeAll(withoutSecrets(`plugin "${id}": onStop failed after the host had gone\n${asError(thrown).stack}\n`));
        process.exit(0);
      },
    );
  }
}

const settings = started();
if (settings) {
  // The plugin's children must not hold the wire's numbers for theirs.
  delete process.env["OUTBOARD_RPC_FDS"];
  run(settings);
} else {
  console.log("This is Outboard's JavaScript runner; `outboard run` starts it. There is nothing to do with it by hand.");
}
