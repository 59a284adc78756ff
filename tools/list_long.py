"""List files over 400 lines and functions over 60 code lines: each may have earned it, none should surprise."""

import ast
import sys
from pathlib import Path


def list_long(root: Path) -> list[str]:
    rows = []
    for path in sorted(root.rglob("*.py")):
        text = path.read_text()
        if (lines := text.count("\n")) > 400:
            rows.append(f"{path}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body and (length := (body[-1].end_lineno or 0) - body[0].lineno + 1) > 60:
                    rows.append(f"{path}:{node.lineno} {node.name}: {length} code lines")
    return rows


if __name__ == "__main__":
    for row in list_long(Path(sys.argv[1])):
        print(f"long: {row}")
