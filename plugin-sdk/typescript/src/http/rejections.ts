//! Routers of Express 4 drop the promises of their handlers, and Node ends at the first one that rejects. This gives a
//! foreign router's layers what Express 5 has: a rejection becomes `next(error)`, and the client a 500.

type Next = (error?: unknown) => void;
type Layer = { handle: (...args: unknown[]) => unknown };
type LayerPrototype = { handle_request?: (this: Layer, req: unknown, res: unknown, next: Next) => void };

const mended = new WeakSet<object>();

/** Mends the layers of a router, once for each copy of Express. Does nothing for Express 5 and for plain functions. */
export function mendRejections(router: unknown): void {
  const layer = (router as { stack?: object[] }).stack?.[0];
  if (!layer) return;
  const prototype = Object.getPrototypeOf(layer) as LayerPrototype;
  if (mended.has(prototype) || typeof prototype.handle_request !== "function") return;
  mended.add(prototype);
  const original = prototype.handle_request;
  prototype.handle_request = function (req, res, next) {
    const handle = this.handle;
    // Error handlers take four arguments, and Express tells them by that: they are left to the original.
    if (handle.length > 3) return original.call(this, req, res, next);
    try {
      const outcome = handle(req, res, next);
      if (outcome instanceof Promise) outcome.catch((error: unknown) => next(error ?? new Error("a handler rejected without a reason")));
    } catch (error) {
      next(error);
    }
  };
}
