//! `SqliteError`, with the codes by which better-sqlite3's callers tell failures apart.

/** Extended result codes of SQLite that callers look at. */
const NAMES: Record<number, string> = {
  1: "SQLITE_ERROR", 5: "SQLITE_BUSY", 6: "SQLITE_LOCKED", 7: "SQLITE_NOMEM", 8: "SQLITE_READONLY", 9: "SQLITE_INTERRUPT",
  10: "SQLITE_IOERR", 11: "SQLITE_CORRUPT", 13: "SQLITE_FULL", 14: "SQLITE_CANTOPEN", 17: "SQLITE_SCHEMA", 18: "SQLITE_TOOBIG",
  19: "SQLITE_CONSTRAINT", 20: "SQLITE_MISMATCH", 21: "SQLITE_MISUSE", 25: "SQLITE_RANGE", 26: "SQLITE_NOTADB",
  275: "SQLITE_CONSTRAINT_CHECK", 531: "SQLITE_CONSTRAINT_COMMITHOOK", 787: "SQLITE_CONSTRAINT_FOREIGNKEY",
  1299: "SQLITE_CONSTRAINT_NOTNULL", 1555: "SQLITE_CONSTRAINT_PRIMARYKEY", 1811: "SQLITE_CONSTRAINT_TRIGGER",
  2067: "SQLITE_CONSTRAINT_UNIQUE", 2579: "SQLITE_CONSTRAINT_ROWID", 3091: "SQLITE_CONSTRAINT_DATATYPE",
};

/** What SQLite's messages say of their code, for an engine that gives the message alone. */
const BY_MESSAGE: [RegExp, string][] = [
  [/^UNIQUE constraint failed/, "SQLITE_CONSTRAINT_UNIQUE"],
  [/^NOT NULL constraint failed/, "SQLITE_CONSTRAINT_NOTNULL"],
  [/^CHECK constraint failed/, "SQLITE_CONSTRAINT_CHECK"],
  [/^FOREIGN KEY constraint failed/, "SQLITE_CONSTRAINT_FOREIGNKEY"],
  [/constraint failed/, "SQLITE_CONSTRAINT"],
  [/^database is locked/, "SQLITE_BUSY"],
  [/^database table is locked/, "SQLITE_LOCKED"],
  [/readonly database/, "SQLITE_READONLY"],
  [/disk image is malformed/, "SQLITE_CORRUPT"],
  [/file is not a database/, "SQLITE_NOTADB"],
  [/database or disk is full/, "SQLITE_FULL"],
  [/unable to open database|Could not open the database/, "SQLITE_CANTOPEN"],
  [/disk I\/O error/, "SQLITE_IOERR"],
  [/^datatype mismatch/, "SQLITE_MISMATCH"],
];

/** An error of SQLite itself. */
export class SqliteError extends Error {
  override readonly name = "SqliteError";
  constructor(message: string, readonly code: string) {
    super(message);
  }
}

/** What an engine threw, as better-sqlite3 would throw it. Errors of user functions and of the caller stay what they are. */
export function sqliteError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof SqliteError) return thrown;
  const { errcode, errstr } = thrown as { errcode?: number; errstr?: string };
  if (typeof errcode === "number") return located(thrown, new SqliteError(thrown.message || (errstr ?? ""), NAMES[errcode] ?? NAMES[errcode & 0xff] ?? "SQLITE_ERROR"));
  if (thrown.name !== "SQLite3Error") return thrown;
  const code = BY_MESSAGE.find(([pattern]) => pattern.test(thrown.message))?.[1] ?? "SQLITE_ERROR";
  return located(thrown, new SqliteError(thrown.message, code));
}

/** An error about a full database, with what to do about it; any other stays what it is. */
export function fullError(error: unknown, path: string, maxBytes: number): unknown {
  if (!(error instanceof SqliteError) || error.code !== "SQLITE_FULL") return error;
  const advice = `${path} may have ${maxBytes} bytes, which is what the quota of the plugin's data leaves it (\`limits.data\`); delete what is not needed, or raise the quota and open the database again`;
  return located(error, new SqliteError(`${error.message}: ${advice}`, error.code));
}

function located(from: Error, error: SqliteError): SqliteError {
  if (from.stack) error.stack = from.stack.replace(/^.*?: /, "SqliteError: ");
  return error;
}
