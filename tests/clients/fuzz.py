"""Asks the server everything that its OpenAPI document allows, and much that it does not: no answer may be an error of the server, and
each must be as the document says.

    python fuzz.py CASES_PER_OPERATION
"""

import subprocess
import sys
from pathlib import Path

from server import Server

DOCUMENTS = [
    {
        "schema": "waft.dag/v1",
        "dag_id": "0",
        "params": {"n": {"default": 1, "schema": {"type": "integer"}}},
        "tasks": [{"task_id": "0", "entrypoint": "act"}],
    }
]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Streams and waits, which do not end by themselves, and bodies that are components.
LEFT_OUT = "/wait$|/logs/|/bundles/"


def main():
    server = Server(DOCUMENTS)
    try:
        command = [
            Path(sys.executable).parent / "schemathesis",
            "run",
            f"{server.origin}/openapi.json",
            "--header",
            f"Authorization: Bearer {server.token}",
            "--checks",
            CHECKS,
            "--phases",
            "examples,fuzzing",
            "--max-examples",
            sys.argv[1],
            "--exclude-path-regex",
            LEFT_OUT,
            "--request-timeout",
            "30",
            "--no-color",
        ]
        return subprocess.run(command, cwd=server.folder.name).returncode
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
