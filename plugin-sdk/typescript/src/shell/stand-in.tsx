//! What a UI gets for a name that the page does not have: something that says so where it is used, while the rest of the UI works.
//! The gateway's generated modules call it, and reading an unknown name of a shared object. Must not know who uses it.

import type { ReactNode } from "react";
import { Notice } from "./notice.js";

/** Members that React and the language read of any function, whatever it is. */
const PASSED = new Set([
  "$$typeof", "then", "toJSON", "defaultProps", "propTypes", "displayName", "contextType", "contextTypes", "childContextTypes",
  "getDerivedStateFromProps", "getDerivedStateFromError", "compare", "render", "_payload", "_init", "_result", "__esModule", "__proto__",
]);

const told = new Set<string>();

/** Says it in the console, once. */
function tell(sentence: string): string {
  if (!told.has(sentence)) console.error(`outboard: ${sentence}`);
  told.add(sentence);
  return sentence;
}

/** What stands in for `name` of the module `of`; `there` says whether the page has this module at all. */
export function standIn(name: string, of: string, there = true): unknown {
  const shown = name === "default" ? "the default export" : name;
  const sentence = there
    ? `This UI uses ${shown} of ${of}, which this version of Outboard does not have. The plugin needs another version of Outboard, or has to do without it; \`outboard check\` lists all such names.`
    : `This UI uses ${shown} of ${of}, a module that Outboard's page does not have. Bundle it into ui/index.js: take ${of} out of the build's externals.`;
  // React calls a component with its properties; its children are another matter than what it would have put around them.
  const component = /^[A-Z]/.test(name);
  const used = function (...given: unknown[]): ReactNode {
    tell(sentence);
    const [properties] = given;
    if (!component || given.length > 2 || typeof properties !== "object" || properties === null) throw new Error(sentence);
    const { children } = properties as { children?: ReactNode };
    return (
      <>
        <Notice kind="error" text={sentence} />
        {typeof children === "function" ? null : children}
      </>
    );
  };
  Object.defineProperty(used, "name", { value: name });
  return new Proxy(used, {
    get(target, member) {
      if (member === Symbol.toPrimitive) {
        return () => {
          throw new Error(tell(sentence));
        };
      }
      if (typeof member === "symbol" || PASSED.has(member) || member in target) return Reflect.get(target, member) as unknown;
      tell(sentence);
      return standIn(`${name}.${member}`, of, there);
    },
    construct() {
      throw new Error(tell(sentence));
    },
  });
}

/** A shared module whose unknown names are stood in for, for bundles that read them off an object. What is there is all that is listed. */
export function standingIn(all: object, of: string): object {
  // A module's own names can be neither replaced nor added to, so they are copied.
  return new Proxy({ ...all }, {
    get(target, name) {
      if (typeof name === "symbol" || PASSED.has(name) || name === "default" || name in target) return Reflect.get(target, name) as unknown;
      return standIn(name, of);
    },
  });
}
