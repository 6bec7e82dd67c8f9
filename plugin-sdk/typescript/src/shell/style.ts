//! A plugin's own style sheet, laid into the layer that the page keeps for it, so that neither breaks the other. The page calls it before
//! the UI runs.

/** How long a UI waits for its looks. */
const STYLE_MS = 3_000;

/** Adds the style sheet of a folder; resolves when it is there, and when it does not come. */
export function addStyle(folder: string): Promise<void> {
  const style = document.createElement("style");
  style.textContent = `@import url(${JSON.stringify(`${folder}/index.css`)}) layer(plugin);`;
  const there = new Promise<void>((resolve) => {
    style.addEventListener("load", () => resolve());
    style.addEventListener("error", () => resolve());
    setTimeout(resolve, STYLE_MS);
  });
  document.head.append(style);
  return there;
}
