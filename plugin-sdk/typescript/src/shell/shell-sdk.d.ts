//! The shell's package stands on this one, so this one does not know its types: to the page it is a module with some names.

declare module "@outboard/shell/ui";
