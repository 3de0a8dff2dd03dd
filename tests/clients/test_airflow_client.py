"""The official Python client of Airflow drives the server: what it cannot read raises."""

import datetime
import unittest

from airflow_client import client as airflow
from airflow_client.client import models

from server import Server

TASK = {"task_id": "one", "entrypoint": "act", "args": {"do": {"literal": {"say": "hear me", "give": 7}}}}
EACH = {
    "task_id": "each",
    "group": "g",
    "entrypoint": "act",
    "expand": {"product": [{"arg": "x", "source": {"literal": ["a", "b", "c"]}}]},
}
DOCUMENTS = [
    {"schema": "waft.dag/v1", "dag_id": "plain", "tags": ["blue"], "tasks": [TASK], "result": ["one"]},
    {"schema": "waft.dag/v1", "dag_id": "mapped", "groups": [{"group_id": "g"}], "tasks": [EACH]},
    {
        "schema": "waft.dag/v1",
        "dag_id": "producer",
        "tasks": [{"task_id": "make", "entrypoint": "act", "outlets": [{"name": "made"}]}],
    },
    {
        "schema": "waft.dag/v1",
        "dag_id": "consumer",
        "schedule": {"assets": {"asset": "made"}},
        "tasks": [{"task_id": "use", "entrypoint": "act"}],
    },
    {
        "schema": "waft.dag/v1",
        "dag_id": "daily",
        "schedule": {"cron": {"expression": "0 0 * * *"}},
        "start_date": "2026-01-01T00:00:00Z",
        "tasks": [{"task_id": "t", "entrypoint": "act"}],
    },
]
UTC = datetime.timezone.utc


class AirflowClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(DOCUMENTS)
        cls.addClassCleanup(cls.server.stop)
        configuration = airflow.Configuration(host=cls.server.origin, access_token=cls.server.token)
        cls.api = airflow.ApiClient(configuration)
        cls.dags = airflow.DAGApi(cls.api)
        cls.runs = airflow.DagRunApi(cls.api)
        cls.instances = airflow.TaskInstanceApi(cls.api)

    def run_of(self, dag_id, **body):
        """The id of a run that has ended."""
        made = self.runs.trigger_dag_run(dag_id, models.TriggerDAGRunPostBody(logical_date=None, **body))
        self.runs.wait_dag_run_until_finished(dag_id, made.dag_run_id, interval=0.05)
        return made.dag_run_id

    def refused(self, status, call, *arguments):
        with self.assertRaises(airflow.ApiException) as raised:
            call(*arguments)
        self.assertEqual(raised.exception.status, status, raised.exception.body)

    def test_version_and_health(self):
        self.assertTrue(airflow.VersionApi(self.api).get_version().version)
        self.assertEqual(airflow.MonitorApi(self.api).get_health().metadatabase.status, "healthy")

    def test_dags(self):
        found = self.dags.get_dags(limit=2, order_by=["dag_id"])
        self.assertEqual(([dag.dag_id for dag in found.dags], found.total_entries), (["consumer", "daily"], 5))
        self.assertEqual([dag.dag_id for dag in self.dags.get_dags(tags=["blue"]).dags], ["plain"])
        self.assertEqual(self.dags.get_dag("plain").dag_display_name, "plain")
        self.assertEqual(self.dags.get_dag_details("daily").start_date, datetime.datetime(2026, 1, 1, tzinfo=UTC))
        self.refused(404, self.dags.get_dag, "absent")

    def test_pausing(self):
        paused = self.dags.patch_dag("mapped", models.DAGPatchBody(is_paused=True))
        self.assertTrue(paused.is_paused)
        many = self.dags.patch_dags(models.DAGPatchBody(is_paused=False), dag_id_pattern="mapped")
        self.assertEqual([(dag.dag_id, dag.is_paused) for dag in many.dags], [("mapped", False)])

    def test_a_run_and_what_it_leaves(self):
        run_id = self.run_of("plain", conf={"a": 1}, note="why")
        run = self.runs.get_dag_run("plain", run_id)
        self.assertEqual((run.state, run.conf, run.note), ("success", {"a": 1}, "why"))
        listed = self.runs.get_dag_runs("~", state=["success"], run_after_gte=datetime.datetime(2020, 1, 1, tzinfo=UTC))
        self.assertIn(run_id, [run.dag_run_id for run in listed.dag_runs])
        instance = self.instances.get_task_instance("plain", run_id, "one")
        self.assertEqual((instance.state, instance.try_number, instance.map_index), ("success", 1, -1))
        self.assertEqual(self.instances.get_task_instances("~", "~").task_instances[0].dag_id is not None, True)
        tries = self.instances.get_task_instance_tries("plain", run_id, "one")
        self.assertEqual(tries.total_entries, 1)
        log = self.instances.get_log("plain", run_id, "one", 1, full_content=True)
        self.assertIn("hear me", str(log.content.actual_instance))
        values = airflow.XComApi(self.api).get_xcom_entries("plain", run_id, "one")
        self.assertEqual([entry.key for entry in values.xcom_entries], ["return_value"])
        value = airflow.XComApi(self.api).get_xcom_entry("plain", "one", run_id, "return_value")
        self.assertEqual(value.actual_instance.value, 7)

    def test_runs_by_cursor(self):
        made = [self.run_of("mapped") for _ in range(3)]
        seen, cursor = [], ""
        while cursor is not None:
            page = self.runs.get_dag_runs("mapped", limit=2, cursor=cursor)
            seen += [run.dag_run_id for run in page.dag_runs]
            cursor = page.next_cursor
        self.assertEqual(len(seen), len(set(seen)))
        self.assertLessEqual(set(made), set(seen))

    def test_mapped_instances(self):
        run_id = self.run_of("mapped")
        found = self.instances.get_mapped_task_instances("mapped", run_id, "each")
        self.assertEqual([it.map_index for it in found.task_instances], [0, 1, 2])
        self.assertEqual(self.instances.get_mapped_task_instance("mapped", run_id, "each", 1).state, "success")
        self.assertEqual(self.instances.get_mapped_task_instance_tries("mapped", run_id, "each", 1).total_entries, 1)

    def test_clearing_and_marking(self):
        run_id = self.run_of("plain")
        body = {"dag_run_id": run_id, "only_failed": False}
        clear = lambda dry_run: self.instances.post_clear_task_instances(
            "plain", models.ClearTaskInstancesBody(dry_run=dry_run, **body)
        )
        self.assertEqual([it.task_id for it in clear(True).task_instances], ["one"])
        self.assertEqual(self.instances.get_task_instance("plain", run_id, "one").try_number, 1)
        clear(False)
        self.runs.wait_dag_run_until_finished("plain", run_id, interval=0.05)
        self.assertEqual(self.instances.get_task_instance("plain", run_id, "one").try_number, 2)
        change = models.PatchTaskInstanceBody(new_state="failed")
        self.instances.patch_task_instance_dry_run("plain", run_id, "one", change)
        self.instances.patch_task_instance("plain", run_id, "one", change)
        self.assertEqual(self.runs.get_dag_run("plain", run_id).state, "failed")
        marked = self.runs.patch_dag_run("plain", run_id, models.DAGRunPatchBody(state="success", note="it was right"))
        self.assertEqual(marked.state, "success")
        self.runs.delete_dag_run("plain", run_id)
        self.refused(404, self.runs.get_dag_run, "plain", run_id)

    def test_versions_tasks_and_source(self):
        versions = airflow.DagVersionApi(self.api)
        self.assertEqual(versions.get_dag_versions("plain").total_entries, 1)
        self.assertEqual(versions.get_dag_version("plain", 1).version_number, 1)
        self.assertIn('"hear me"', airflow.DagSourceApi(self.api).get_dag_source("plain").content)
        self.assertEqual([task.task_id for task in airflow.TaskApi(self.api).get_tasks("mapped").tasks], ["each"])
        self.assertTrue(airflow.TaskApi(self.api).get_task("mapped", "each").is_mapped)

    def test_dashboards(self):
        self.assertEqual(airflow.ImportErrorApi(self.api).get_import_errors().total_entries, 0)
        self.assertEqual(airflow.DagStatsApi(self.api).get_dag_stats(dag_ids=["daily"]).dags[0].dag_id, "daily")
        self.assertEqual(self.dags.get_dag_tags().tags, ["blue"])
        self.assertEqual(airflow.DagWarningApi(self.api).list_dag_warnings().total_entries, 0)
        self.assertEqual(airflow.JobApi(self.api).get_jobs().total_entries, 0)
        self.assertEqual(airflow.ProviderApi(self.api).get_providers().total_entries, 0)
        self.assertEqual(airflow.PluginApi(self.api).get_plugins().total_entries, 0)
        self.assertEqual(airflow.PluginApi(self.api).import_errors().total_entries, 0)
        self.assertEqual(airflow.ConfigApi(self.api).get_config().sections, [])

    def test_variables(self):
        variables = airflow.VariableApi(self.api)
        variables.post_variable(models.VariableBody(key="region", value="eu"))
        self.assertEqual(variables.patch_variable("region", models.VariableBody(key="region", value="us")).value, "us")
        self.assertEqual(variables.get_variable("region").value, "us")
        action = {"action": "create", "entities": [{"key": "other", "value": "1"}]}
        done = variables.bulk_variables(models.BulkBodyVariableBody.from_dict({"actions": [action]}))
        self.assertEqual(done.create.success, ["other"])
        self.assertEqual([it.key for it in variables.get_variables(order_by=["key"]).variables], ["other", "region"])
        for key in ("other", "region"):
            variables.delete_variable(key)
        self.refused(404, variables.get_variable, "region")

    def test_pools(self):
        pools = airflow.PoolApi(self.api)
        pools.post_pool(models.PoolBody(name="few", slots=3))
        self.assertEqual(pools.patch_pool("few", models.PoolPatchBody(slots=4), update_mask=["slots"]).slots, 4)
        self.assertEqual(pools.get_pool("few").open_slots, 4)
        self.assertEqual([pool.name for pool in pools.get_pools().pools], ["default_pool", "few"])
        pools.delete_pool("few")
        self.refused(404, pools.get_pool, "few")

    def test_connections(self):
        connections = airflow.ConnectionApi(self.api)
        body = models.ConnectionBody(connection_id="db", conn_type="postgres", password="hidden away")
        connections.post_connection(body)
        self.assertEqual(connections.get_connection("db").password, "***")
        changed = connections.patch_connection("db", models.ConnectionBody(connection_id="db", conn_type="mysql"))
        self.assertEqual(changed.conn_type, "mysql")
        self.assertEqual(connections.get_connections().total_entries, 1)
        connections.create_default_connections()
        connections.delete_connection("db")
        self.refused(404, connections.get_connection, "db")

    def test_assets_and_events(self):
        assets = airflow.AssetApi(self.api)
        asset = assets.get_assets().assets[0]
        self.assertEqual((asset.name, assets.get_asset(asset.id).name), ("made", "made"))
        event = assets.create_asset_event(models.CreateAssetEventsBody(asset_id=asset.id, extra={"rows": 3}))
        self.assertIn(event.id, [it.id for it in assets.get_asset_events(asset_id=asset.id).asset_events])
        self.assertTrue(assets.materialize_asset(asset.id).dag_run_id)
        self.assertEqual(assets.get_asset_aliases().total_entries, 0)

    def test_backfills(self):
        backfills = airflow.BackfillApi(self.api)
        days = {"from_date": datetime.datetime(2026, 1, 1, tzinfo=UTC), "to_date": datetime.datetime(2026, 1, 3, tzinfo=UTC)}
        body = models.BackfillPostBody(dag_id="daily", **days)
        self.assertEqual(backfills.create_backfill_dry_run(body).total_entries, 3)
        made = backfills.create_backfill(body)
        self.assertEqual(backfills.get_backfill(made.id).dag_id, "daily")
        self.assertGreaterEqual(backfills.list_backfills("daily").total_entries, 1)

    def test_event_logs(self):
        self.dags.patch_dag("producer", models.DAGPatchBody(is_paused=True))
        logs = airflow.EventLogApi(self.api)
        found = logs.get_event_logs(dag_id="producer", event="pause").event_logs
        self.assertEqual(logs.get_event_log(found[0].event_log_id).owner, "admin")
        self.dags.patch_dag("producer", models.DAGPatchBody(is_paused=False))


if __name__ == "__main__":
    unittest.main()
