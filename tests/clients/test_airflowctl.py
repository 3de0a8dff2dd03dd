"""The command line of Airflow drives the server."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from server import Server

DOCUMENTS = [{"schema": "waft.dag/v1", "dag_id": "plain", "tasks": [{"task_id": "one", "entrypoint": "act"}]}]


class Airflowctl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(DOCUMENTS)
        cls.addClassCleanup(cls.server.stop)
        home = tempfile.TemporaryDirectory()
        cls.addClassCleanup(home.cleanup)
        names = {"AIRFLOW_HOME": home.name, "AIRFLOW_CLI_TOKEN": cls.server.token, "NO_COLOR": "1"}
        cls.environment = {**os.environ, **names}
        cls.told("auth", "login", "--api-url", cls.server.origin, "--api-token", cls.server.token, "--skip-keyring")

    @classmethod
    def told(cls, *arguments):
        program = Path(sys.executable).parent / "airflowctl"
        done = subprocess.run([program, *arguments], env=cls.environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def test_lists(self):
        for noun in ("dags", "pools", "variables", "connections", "assets", "jobs", "providers", "plugins"):
            with self.subTest(noun):
                json.loads(self.told(noun, "list"))

    def test_a_dag(self):
        self.assertEqual(json.loads(self.told("dags", "list"))[0]["dag_id"], "plain")
        self.told("dags", "pause", "plain")
        self.assertIn("plain", self.told("dags", "get", "plain"))
        self.told("dags", "unpause", "plain")

    def test_a_variable(self):
        self.told("variables", "create", "--key", "k", "--value", "v")
        self.assertIn('"v"', self.told("variables", "get", "k"))
        self.told("variables", "delete", "k")


if __name__ == "__main__":
    unittest.main()
