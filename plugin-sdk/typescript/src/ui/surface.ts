//! What the page around a UI does for it: messages that pass, and ways to other pages. The shell page gives its own to
//! `PluginShellProvider`; a page of somebody else's may give another. Must not know how either is drawn.

/** Messages that pass by themselves. */
export interface PluginToast {
  success(message: string): void;
  error(message: string): void;
  info(message: string): void;
  warning(message: string): void;
}

/** Ways to other pages. A path begins with a slash. */
export interface PluginNavigation {
  /** To a path of this plugin's own. */
  navigateTo(path: string): void;
  /** To another plugin's UI, and a path in it. */
  navigateToPlugin(pluginId: string, path?: string): void;
  /** To the page that lists all plugins. */
  navigateToShell(path?: string): void;
  /** The path of this plugin's own; `/` at first. */
  getCurrentPath(): string;
}

/** What a page does for the UI in it. */
export interface PluginSurface {
  readonly toast: PluginToast;
  readonly navigation: PluginNavigation;
  /** Calls `listener` whenever the current path is another. */
  onPath?(listener: () => void): () => void;
}

/** For a page that does nothing: messages go to the console, and nobody leaves. */
export const noSurface: PluginSurface = {
  toast: {
    success: (message) => console.info(message),
    error: (message) => console.error(message),
    info: (message) => console.info(message),
    warning: (message) => console.warn(message),
  },
  navigation: {
    navigateTo: () => nowhere(),
    navigateToPlugin: () => nowhere(),
    navigateToShell: () => nowhere(),
    getCurrentPath: () => "/",
  },
};

function nowhere(): void {
  console.warn("outboard: this page does not navigate; give PluginShellProvider a surface");
}
