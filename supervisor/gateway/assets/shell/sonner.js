import { Sonner as all } from "./shell.js";
export default all.default ?? all;
export const { Toaster, toast, useSonner } = all;
