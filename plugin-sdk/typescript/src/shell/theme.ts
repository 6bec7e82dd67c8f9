//! Light or dark: as the browser is set, said on the page's root as plugins of this ecosystem look for it.

/** Marks the page now, and again whenever the browser's setting changes. */
export function followTheme(page: Window): void {
  const dark = page.matchMedia("(prefers-color-scheme: dark)");
  const mark = (): void => {
    page.document.documentElement.classList.toggle("dark", dark.matches);
    page.document.documentElement.classList.toggle("light", !dark.matches);
  };
  mark();
  dark.addEventListener("change", mark);
}
