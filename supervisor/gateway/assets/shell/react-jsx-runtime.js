import { JsxRuntime as all } from "./shell.js";
export default all.default ?? all;
export const { Fragment, jsx, jsxs } = all;
