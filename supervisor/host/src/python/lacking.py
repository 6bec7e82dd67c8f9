"""What `outboard check` asks Python: the names that a plugin reads of its ctx, read from its text. Runs none of it, imports none of it.

    python3 -I -S -B - FOLDER < lacking.py      a JSON list of [file, line, name, asks], or of [file, line, null, what is wrong in it]

Follows ctx from the hooks of outboard_plugin through names, attributes of self, and functions of the same file that are called with it;
what it cannot follow it leaves out, so that whatever it names is read there.
"""

import ast
import json
import os
import sys

FILES_MAX, FILE_MAX, ROUNDS = 500, 2 * 1024 * 1024, 8
NEVER = {"node_modules", "venv", "site-packages", "target", "tests", "test", "build", "dist"}
HOOKS = {"on_start", "on_stop", "on_resume"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def files(folder):
    found = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if one not in NEVER and not one.startswith((".", "__")))
        found += [os.path.join(where, name) for name in sorted(names) if name.endswith(".py")]
        if len(found) >= FILES_MAX:
            break
    return found[:FILES_MAX]


class File:
    """One file: where ctx goes in it, and what is read of it there."""

    def __init__(self, tree):
        self.tree = tree
        self.functions = {}
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS):
                self.functions.setdefault(node.name, []).append(node)
        self.held = set()  # attributes of self that are ctx
        self.reads = []
        self.seen = set()

    def parameters(self, function):
        return [one.arg for one in [*function.args.posonlyargs, *function.args.args]]

    def begin(self):
        """The hooks, and whatever says of a parameter that it is a Context of the SDK."""
        for named in self.functions.values():
            for function in named:
                names = self.parameters(function)
                decorated = any(
                    isinstance(one, ast.Attribute) and one.attr in HOOKS for one in function.decorator_list
                )
                if decorated and names:
                    yield function, names[0]
                for one in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]:
                    if isinstance(one.annotation, ast.Name) and one.annotation.id == "Context":
                        yield function, one.arg

    def follow(self):
        pending = list(self.begin())
        for _ in range(ROUNDS):
            held = len(self.held)
            while pending:
                function, name = pending.pop()
                if (id(function), name) not in self.seen:
                    self.seen.add((id(function), name))
                    pending += self.look(function, {name})
            if len(self.held) == held:
                break
        if self.held:
            # What a method reads of self.ctx, wherever it was put there.
            for named in self.functions.values():
                for function in named:
                    self.look(function, set())
        return self.reads

    def is_ctx(self, node, names):
        if isinstance(node, ast.Name):
            return node.id in names
        of_self = (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
        )
        return of_self and node.attr in self.held

    def look(self, function, names):
        names, further = set(names), []
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and self.is_ctx(node.value, names):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        names.add(target.id)
                    elif (
                        isinstance(target, ast.Attribute)
                        and isinstance(target.value, ast.Name)
                        and target.value.id == "self"
                    ):
                        self.held.add(target.attr)
        # A name that means something else as well is not followed.
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and not self.is_ctx(node.value, names):
                names -= {
                    one.id for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name)
                }
            if isinstance(node, FUNCTIONS) and node is not function:
                names -= set(self.parameters(node))
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Load)
                and self.is_ctx(node.value, names)
            ):
                self.reads.append((node.lineno, node.attr, False))
            if isinstance(node, ast.Call):
                further += self.handed(node, names)
        return further

    def handed(self, call, names):
        asks = (
            isinstance(call.func, ast.Name) and call.func.id in ("getattr", "hasattr") and len(call.args) > 1
        )
        if asks and self.is_ctx(call.args[0], names) and isinstance(call.args[1], ast.Constant):
            self.reads.append(
                (call.lineno, call.args[1].value, call.func.id == "hasattr" or len(call.args) > 2)
            )
            return
        if not isinstance(call.func, ast.Name):
            return
        called = self.functions.get(call.func.id, [])
        method = 0
        if not called:
            inside = (
                one
                for one in ast.walk(self.tree)
                if isinstance(one, ast.ClassDef) and one.name == call.func.id
            )
            called = [
                one
                for cls in inside
                for one in cls.body
                if isinstance(one, FUNCTIONS) and one.name == "__init__"
            ]
            method = 1
        if len(called) != 1:
            return
        parameters = self.parameters(called[0])
        for at, argument in enumerate(call.args):
            if self.is_ctx(argument, names) and at + method < len(parameters):
                yield called[0], parameters[at + method]
        for keyword in call.keywords:
            if self.is_ctx(keyword.value, names) and keyword.arg in parameters:
                yield called[0], keyword.arg


def main():
    told = []
    for path in files(sys.argv[1]):
        try:
            if os.path.getsize(path) > FILE_MAX:
                continue
            with open(path, "rb") as file:
                tree = ast.parse(file.read(), path)
        except SyntaxError as error:
            told.append([path, error.lineno, None, error.msg])
            continue
        except (OSError, ValueError, RecursionError, MemoryError):
            continue
        told += [[path, *read] for read in sorted(set(File(tree).follow()))]
    json.dump(told, sys.stdout)


main()
