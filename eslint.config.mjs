// Lints of every TypeScript and JavaScript file that people write. `make check` runs it; what types show is `tsc`'s.

import js from "@eslint/js";
import globals from "globals";
import ts from "typescript-eslint";

const unused = { argsIgnorePattern: "^_", varsIgnorePattern: "^_", args: "none" };

export default ts.config(
  {
    // What is built, and what is generated.
    ignores: [
      "target/",
      "**/node_modules/",
      "**/dist/",
      "plugin-sdk/typescript/dist-runner/",
      "plugin-sdk/typescript/src/generated/",
      "plugin-sdk/host/src/generated/",
      "supervisor/gateway/assets/",
    ],
  },
  js.configs.recommended,
  {
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
    rules: {
      // The number of a function's parameters is what SQLite registers, so one may be there for its number alone.
      "no-unused-vars": ["error", unused],
      // Names and paths are checked for control characters.
      "no-control-regex": "off",
      // An error that names the file, the line and the reason anew says all that the first one said.
      "preserve-caught-error": "off",
    },
  },
  {
    files: ["plugin-sdk/typescript/src/**/*.{ts,tsx}", "plugin-sdk/typescript-shell/src/**/*.ts", "plugin-sdk/host/src/**/*.ts"],
    extends: [ts.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", unused],
      // better-sqlite3's types and the shell's have `any` where an author passes what only the author knows.
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      // Methods of Node's own are kept before they are replaced, and called with the right `this`.
      "@typescript-eslint/unbound-method": "off",
      // What a promise is asked for may be known at once.
      "@typescript-eslint/require-await": "off",
    },
  },
);
