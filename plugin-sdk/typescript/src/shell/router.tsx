//! A router around a UI that imports TanStack's: in the original shell every UI lives inside one, so its hooks and links expect it.
//! What they navigate to stands behind the # of the page's address. The page asks for those UIs alone that import it.

import type { RouteComponent } from "@tanstack/react-router";
import type { ComponentType } from "react";

/** The module that such a UI imports. */
export const ROUTER = "@tanstack/react-router";

/** The UI inside a router that shows it at every path. */
export async function routed(Ui: ComponentType): Promise<ComponentType> {
  const { RouterProvider, createHashHistory, createRootRoute, createRoute, createRouter } = await import("@tanstack/react-router");
  const root = createRootRoute({ component: Ui as RouteComponent });
  // Any path is the UI's own affair.
  const any = createRoute({ getParentRoute: () => root, path: "$", component: () => null });
  const router = createRouter({ routeTree: root.addChildren([any]), history: createHashHistory() });
  return () => <RouterProvider router={router} />;
}
