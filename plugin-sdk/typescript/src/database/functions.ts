//! User functions and aggregates: checks what an author registers, and remembers what it throws while SQL runs, so that the
//! statement's caller gets the thing itself.

import { fits, sqlValue } from "./binding.js";
import type { Core } from "./core.js";
import type { Calling } from "./engine.js";
import { flagOf, optionsOf } from "./options.js";
import type { AggregateOptions, FunctionOptions, SqlValue } from "./types.js";

type AnyFunction = (...args: any[]) => any;

/** The most arguments that a function may declare. */
const ARGUMENTS_MAX = 100;

/** Lets SQL call a function. */
export function defineFunction(core: Core, name: unknown, options: unknown, fn: unknown): void {
  const given = checkedName(name);
  if (typeof options === "function") [options, fn] = [{}, options];
  if (typeof fn !== "function") throw new TypeError("Expected last argument to be a function");
  const call = fn as AnyFunction;
  const calling = callingOf(core, optionsOf(options as FunctionOptions | null), () => call.length);
  const what = `User-defined function ${given}()`;
  core.work(true, () => core.engine.define(given, calling, remembering(core, (...values) => answerOf(what, call(...values)))));
}

/** Lets SQL call an aggregate. */
export function defineAggregate(core: Core, name: unknown, options: unknown): void {
  const given = checkedName(name);
  if (options == null) throw new TypeError("Expected second argument to be an options object");
  const { start = null, step, inverse, result, ...rest } = optionsOf(options as AggregateOptions<any>);
  for (const [option, fn] of Object.entries({ step, inverse, result })) {
    if (fn != null && typeof fn !== "function") throw new TypeError(`Expected the "${option}" option to be a function`);
    if (fn == null && option === "step") throw new TypeError('Missing required option "step"');
  }
  const aggregate = core.engine.aggregate?.bind(core.engine);
  if (!aggregate) throw new TypeError("aggregate() is not there with this Node's own SQLite: it needs Node 24 or newer, or Outboard's addon");
  const calling = callingOf(core, rest, () => Math.max(step.length - 1, inverse ? inverse.length - 1 : 0, 0));
  const what = `User-defined aggregate ${given}()`;
  const folding = {
    start: remembering(core, () => (typeof start === "function" ? (start as () => unknown)() : start)),
    step: remembering(core, step),
    ...(inverse ? { inverse: remembering(core, inverse) } : {}),
    result: remembering(core, (total: unknown) => answerOf(what, result ? result(total) : total)),
  };
  core.work(true, () => aggregate(given, calling, folding));
}

function checkedName(name: unknown): string {
  if (typeof name !== "string") throw new TypeError("Expected first argument to be a string");
  if (name === "") throw new TypeError("User-defined function name cannot be an empty string");
  return name;
}

function callingOf(core: Core, options: FunctionOptions, length: () => number): Calling {
  const bigints = flagOf(options, "safeIntegers", core.bigints);
  const [deterministic, directOnly, varargs] = [flagOf(options, "deterministic"), flagOf(options, "directOnly"), flagOf(options, "varargs")];
  const arity = varargs ? -1 : length();
  if (arity > ARGUMENTS_MAX) throw new RangeError(`User-defined functions cannot have more than ${ARGUMENTS_MAX} arguments`);
  return { arity, deterministic, directOnly, bigints };
}

function remembering<F extends AnyFunction>(core: Core, fn: F): F {
  return ((...args: unknown[]) => {
    try {
      return fn(...args);
    } catch (error) {
      core.thrown ??= { error };
      throw error;
    }
  }) as F;
}

function answerOf(what: string, answer: unknown): SqlValue {
  const value = sqlValue(answer);
  if (value === undefined) throw new TypeError(`${what} returned an invalid value`);
  if (typeof value === "bigint" && !fits(value)) throw new RangeError(`${what} returned a bigint that was too big`);
  return value;
}
