import { ReactDomClient as all } from "./shell.js";
export default all.default ?? all;
export const { createRoot, hydrateRoot, version } = all;
