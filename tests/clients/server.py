"""A server with DAGs of a test, on a port of its own. It ends with the tests.

`WAFT_BIN` names the binary and `WAFT_DOCUMENT_GUEST` the component that tells the documents which are written over its place for them.
"""

import json
import os
import re
import subprocess
import tempfile
import urllib.request
from pathlib import Path

MARK = b'"documents stand here"'


def component(documents):
    """The guest, telling these documents."""
    guest = bytearray(Path(os.environ["WAFT_DOCUMENT_GUEST"]).read_bytes())
    start = guest.index(MARK)
    end = start + len(MARK)
    while guest[end] == ord(" "):
        end += 1
    text = json.dumps(documents).encode()
    if len(text) > end - start:
        raise ValueError(f"{len(text)} bytes of documents, and room for {end - start}")
    guest[start:end] = text.ljust(end - start)
    return bytes(guest)


class Server:
    """Starts with the value and is stopped by `stop`."""

    def __init__(self, documents):
        self.folder = tempfile.TemporaryDirectory()
        data = Path(self.folder.name) / "data"
        self.log = open(Path(self.folder.name) / "server.log", "wb")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WAFT_")}
        self.process = subprocess.Popen(
            [os.environ["WAFT_BIN"], "serve", "--listen", "127.0.0.1:0", "--data", str(data)],
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment,
        )
        self.origin = self._origin()
        self.token = (data / "admin.token").read_text().strip()
        status, answer = self.send("POST", "/api/v2/bundles/clients", component(documents), "application/wasm")
        if status != 200:
            raise RuntimeError(f"the bundle was not taken: {status} {answer!r}")

    def _origin(self):
        for line in self.process.stdout:
            found = re.search(rb"http://[0-9.]+:[0-9]+", line)
            if found:
                return found.group().decode()
        raise RuntimeError("the server told no address")

    def send(self, method, path, body=None, media_type="application/json"):
        """Status and bytes of an answer."""
        headers = {"authorization": f"Bearer {self.token}", "content-type": media_type}
        request = urllib.request.Request(self.origin + path, method=method, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
        self.folder.cleanup()
