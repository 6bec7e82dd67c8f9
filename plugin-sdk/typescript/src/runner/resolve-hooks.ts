//! Runs in Node's loader thread: a package that cannot be found from the plugin is looked for beside the runner.

type Resolve = (specifier: string, context: { parentURL?: string }) => Promise<{ url: string }>;

/** Node's resolve hook. */
export async function resolve(specifier: string, context: { parentURL?: string }, next: Resolve): Promise<{ url: string }> {
  try {
    return await next(specifier, context);
  } catch (error) {
    const bare = /^(@[\w.-]+\/[\w.-]+|[\w-][\w.-]*)(\/|$)/.test(specifier);
    if (!bare || (error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    return next(specifier, { ...context, parentURL: import.meta.url }).catch(() => {
      throw error;
    });
  }
}
