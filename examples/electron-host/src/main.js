//! What Electron starts: hands its own modules to the application, and nothing more.

import * as electron from "electron";
import { run } from "./shell.js";

await run(electron);
