"""A root that is given for one run: what it makes never takes the place of the deployment's tables in PostgreSQL."""

from pathlib import Path

import dagster as dg
import pytest

from openlib_assets.defs.jobs import ACROSS, ALL
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place, failure_texts
from openlib_assets_tests.database.conftest import Database

pytestmark = pytest.mark.database


def test_a_root_that_is_given_for_one_run_leaves_the_database_of_the_deployment_as_it_is(
    database: Database, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    root, trial = str(tmp_path / "root"), str(tmp_path / "trial")
    rows = "SELECT work_key, title, xmin::text FROM openlib.works ORDER BY 1"
    with Sandbox(SandboxConfig({"tea": 30})) as sandbox:
        pipeline = Pipeline(Place(root, {}), instance, sandbox.url, OPENLIB_DATABASE=database.url())
        assert pipeline.run("tea").success
        assert pipeline.run(job=ACROSS).success
        before = database.ask(rows)
        sandbox.add_work("tea")
        assert pipeline.run("tea", job=ALL, root=trial).success
    assert failure_texts(pipeline.run(job=ACROSS, root=trial)) == {
        "database": f"the storage of this run is {trial}, and what OPENLIB_DATABASE names is for {root} "
        "(OPENLIB_STORAGE), so it stays as it is; leave database out of this run, or set both variables anew instead"
    }
    assert len(before) == 30
    assert database.ask(rows) == before
    assert pipeline.run(job=ACROSS).success
    assert database.ask(rows) == before
