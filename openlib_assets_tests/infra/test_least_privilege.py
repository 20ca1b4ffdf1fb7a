"""Least privilege, shown: users of a real S3 server have the very policies that Terraform gives to the roles.

The server knows S3's actions only, so that of each policy the statements about S3 are attached. What the policies say
of other services is tried on moto in `infra/test_rights_on_moto.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from openlib_assets.lake.contract import SNAPSHOT_TABLES
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place
from openlib_assets_tests.infra.rendered_policies import (
    COMPUTE_LOGS_BUCKET,
    DATA_BUCKET,
    PREFIX,
    Policies,
    statements,
)
from openlib_assets_tests.tools.ceph import Ceph, Credentials
from openlib_assets_tests.tools.exactness import assert_exact
from openlib_assets_tests.tools.forked import Commands, commands
from openlib_assets_tests.tools.instances import temporary_instance

pytestmark = pytest.mark.terraform

BRONZE = f"{PREFIX}/bronze/raw_works/subject=love/snapshot=20200101T000000Z/part-0.parquet"
SILVER = f"{PREFIX}/silver/books/subject=love/part-0.parquet"
GOLD = f"{PREFIX}/gold/author_averages/subject=love/part-0.parquet"
SERVING = f"{PREFIX}/serving/order_list/subject=love/part-0.parquet"
CSV = f"{PREFIX}/exports/love/books.csv"
REPORT = f"{PREFIX}/reports/love/index.html"
CATALOG = f"{PREFIX}/catalog.duckdb"
WATCH_LIST = f"{PREFIX}/subjects.yaml"
STAGED = f"{PREFIX}/_staging/love/1-0.arrow"
LOCK = f"{PREFIX}/_locks/love"
ELSEWHERE = "other/file"
RESULT = "athena-results/result.csv"
LOG = "dagster-logs/storage/run/compute_logs/step.err"
OBJECTS = (BRONZE, SILVER, GOLD, SERVING, CSV, REPORT, CATALOG, WATCH_LIST, STAGED, LOCK, ELSEWHERE, RESULT)

ALL_DATA = {BRONZE, SILVER, GOLD, SERVING, CSV, REPORT, CATALOG, WATCH_LIST, STAGED, LOCK}
PEOPLES = {GOLD, SERVING, CSV, REPORT, CATALOG, RESULT}
REMADE = {SILVER, GOLD, SERVING, CSV, REPORT, STAGED, LOCK}

ROLES = ("pipeline", "maintainer", "analyst", "daemon", "webserver", "deployer", "execution", "emr-job")
# Who is not named may nothing.
READ = {"pipeline": ALL_DATA, "maintainer": ALL_DATA, "analyst": PEOPLES, "emr-job": {SILVER, GOLD}}
WRITE = {"pipeline": ALL_DATA, "maintainer": ALL_DATA, "analyst": {RESULT}}
DELETE = {"pipeline": REMADE, "maintainer": REMADE | {BRONZE}}
FOLDERS = ("bronze", "silver", "gold", "serving", "exports", "reports")
LISTINGS = ("", *(f"{PREFIX}/{folder}/" for folder in FOLDERS), "other/")
# The bucket is the pipeline's own: without the right to list all of it, S3 answers 403 instead of 404 for what is not
# there, and no first write could be told from a refusal. So it is with a job that makes tables of dumps.
MAKERS = ("pipeline", "maintainer", "emr-job")
LIST = {
    "pipeline": set(LISTINGS),
    "maintainer": set(LISTINGS),
    "emr-job": set(LISTINGS),
    "analyst": {f"{PREFIX}/{folder}/" for folder in ("gold", "serving", "exports", "reports")},
}


@dataclass(frozen=True)
class Lake:
    """The data bucket, that of what runs print and somebody else's, and the credentials of each role."""

    ceph: Ceph
    data: str
    logs: str
    foreign: str
    roles: Mapping[str, Credentials]

    def client(self, role: str) -> Any:
        """Return an S3 client with just the rights of a role."""
        return self.ceph.client(credentials=self.roles[role])


@pytest.fixture(scope="module")
def lake(ceph: Ceph, policies: Policies, on_emr: Policies) -> Lake:
    """Buckets with a file in each place, and a user for each role."""
    every = {"emr-job": on_emr["emr-job"], **policies}
    data, logs, foreign = DATA_BUCKET, COMPUTE_LOGS_BUCKET, "somebody-elses"
    admin = ceph.client()
    for bucket, keys in ((data, OBJECTS), (logs, (LOG,)), (foreign, (GOLD,))):
        admin.create_bucket(Bucket=bucket)
        for key in keys:
            admin.put_object(Bucket=bucket, Key=key, Body=b"there")
    return Lake(ceph, data, logs, foreign, {role: user(ceph, every[role]) for role in ROLES})


def user(ceph: Ceph, policy: Mapping[str, Any]) -> Credentials:
    """Make a user with what a policy says of S3; on this server, no statement at all is no policy."""
    about_s3 = [
        statement for statement in statements(policy) if all(action.startswith("s3:") for action in statement["Action"])
    ]
    mixed = {action.split(":")[0] for s in statements(policy) if s not in about_s3 for action in s["Action"]}
    assert "s3" not in mixed, "no statement speaks of S3 and of something else"
    return ceph.user({"Version": "2012-10-17", "Statement": about_s3} if about_s3 else None)


def allowed(call: Callable[[], object]) -> bool:
    """Tell whether a call is allowed; anything else than an answer or a refusal is an error."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "403"):
            raise
        return False
    return True


def those(keys: Iterable[str], call: Callable[[str], object]) -> set[str]:
    """Return the keys for which a call is allowed."""
    return {key for key in keys if allowed(partial(call, key))}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_what_it_has_to_and_nothing_else(lake: Lake, role: str) -> None:
    s3 = lake.client(role)
    read = those(OBJECTS, lambda key: s3.get_object(Bucket=lake.data, Key=key))
    seen = those(OBJECTS, lambda key: s3.head_object(Bucket=lake.data, Key=key))
    assert read == seen == READ.get(role, set())
    assert not allowed(lambda: s3.get_object(Bucket=lake.foreign, Key=GOLD))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_writes_what_it_has_to_and_nothing_else(lake: Lake, role: str) -> None:
    s3 = lake.client(role)
    put = those(OBJECTS, lambda key: s3.put_object(Bucket=lake.data, Key=key, Body=b"there"))
    begun = those(OBJECTS, lambda key: upload(s3, lake.data, key))
    assert put == begun == WRITE.get(role, set())
    assert not allowed(lambda: s3.put_object(Bucket=lake.foreign, Key=GOLD, Body=b"x"))


def upload(s3: Any, bucket: str, key: str) -> None:
    """Begin an upload in parts, and give it up."""
    begun = s3.create_multipart_upload(Bucket=bucket, Key=key)
    s3.upload_part(Bucket=bucket, Key=key, UploadId=begun["UploadId"], PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=begun["UploadId"])


@pytest.mark.parametrize("role", ROLES)
def test_a_role_deletes_what_it_has_to_and_nothing_else(lake: Lake, role: str) -> None:
    s3 = lake.client(role)
    deleted = those(OBJECTS, lambda key: s3.delete_object(Bucket=lake.data, Key=key))
    for key in deleted:
        lake.ceph.client().put_object(Bucket=lake.data, Key=key, Body=b"there")
    assert deleted == DELETE.get(role, set())
    assert not allowed(lambda: s3.delete_object(Bucket=lake.foreign, Key=GOLD))
    assert not allowed(lambda: s3.delete_bucket(Bucket=lake.data))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_lists_what_it_has_to_and_nothing_else(lake: Lake, role: str) -> None:
    s3 = lake.client(role)
    listed = those(LISTINGS, lambda at: s3.list_objects_v2(Bucket=lake.data, Prefix=at))
    assert listed == LIST.get(role, set())
    assert allowed(lambda: s3.list_objects_v2(Bucket=lake.data)) == (role in MAKERS)
    assert not allowed(lambda: s3.list_objects_v2(Bucket=lake.foreign))


@pytest.mark.parametrize("role", MAKERS)
def test_who_makes_tables_is_told_that_one_is_not_there_yet(lake: Lake, role: str) -> None:
    s3, key = lake.client(role), f"{PREFIX}/bronze/dump_works/dump=2026-08-31/made.json"
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=lake.data, Key=key)
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=lake.data, Key=key)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_changes_no_bucket_and_no_right(lake: Lake, role: str) -> None:
    s3 = lake.client(role)
    policy = '{"Version": "2012-10-17", "Statement": []}'
    assert not allowed(lambda: s3.put_bucket_policy(Bucket=lake.data, Policy=policy))
    assert not allowed(lambda: s3.get_bucket_policy(Bucket=lake.data))
    assert not allowed(lambda: s3.put_bucket_acl(Bucket=lake.data, ACL="public-read"))
    assert not allowed(lambda: s3.put_object_acl(Bucket=lake.data, Key=GOLD, ACL="public-read"))
    disabled = {"Status": "Suspended"}
    assert not allowed(lambda: s3.put_bucket_versioning(Bucket=lake.data, VersioningConfiguration=disabled))


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        ("pipeline", True, True),
        ("maintainer", True, True),
        ("daemon", True, True),
        ("webserver", True, False),
        ("analyst", False, False),
        ("deployer", False, False),
        ("execution", False, False),
        ("emr-job", False, False),
    ],
)
def test_what_runs_print_is_for_who_runs_and_shows_them(lake: Lake, role: str, *, reads: bool, writes: bool) -> None:
    s3 = lake.client(role)
    assert allowed(lambda: s3.get_object(Bucket=lake.logs, Key=LOG)) == reads
    assert allowed(lambda: s3.list_objects_v2(Bucket=lake.logs, Prefix="dagster-logs/storage/")) == reads
    assert allowed(lambda: s3.put_object(Bucket=lake.logs, Key=LOG, Body=b"there")) == writes
    assert not allowed(lambda: s3.delete_object(Bucket=lake.logs, Key=LOG))
    assert not allowed(lambda: s3.put_object(Bucket=lake.logs, Key=ELSEWHERE, Body=b"x"))


def test_the_pipeline_runs_with_just_the_rights_of_its_role(lake: Lake, tmp_path: Path) -> None:
    """From the first fetch to the catalog and back out: with no right more than Terraform gives."""
    place = Place(f"s3://{lake.data}/{PREFIX}", lake.ceph.variables(lake.roles["pipeline"]))
    for path in place.open().paths(""):
        lake.ceph.client().delete_object(Bucket=lake.data, Key=f"{PREFIX}/{path}")
    with (
        Sandbox(SandboxConfig({"love": 60, "place:france": 20})) as sandbox,
        temporary_instance() as none,
        commands(tmp_path, sandbox.url, **place.variables, OPENLIB_STORAGE=place.root) as it,
    ):
        given = (
            ("subjects", "add", "love", "place:france"),
            ("run", "love", "place:france"),
            ("run", "--force", "love"),
            ("sql", "SELECT count(*) FROM books"),
            ("export", "love", "--to", str(tmp_path / "out")),
            ("doctor",),
            ("storage", "copy", "--from", place.root, "--to", str(tmp_path / "copy")),
            ("storage", "copy", "--from", str(tmp_path / "copy"), "--to", place.root),
            ("subjects", "list"),
        )
        for command in given:
            said = it.run(*command)
            # The sandbox does not know the subject that doctor asks for.
            assert said.status() == 0 or (command == ("doctor",) and said.output.count("WRONG") == 1), said.output
        for subject in ("love", "place:france"):
            assert_exact(Pipeline(place, none, sandbox.url), sandbox, subject)
        assert [path for path in place.open().paths("") if path.startswith("_")] == [], "nothing is left"
        refused = it.run("prune", "--keep", "1", "--yes")
        assert refused.status() == 1
        assert "AccessDenied" in refused.output
        assert kept(place, "love") == {"raw_works": 2, "raw_details": 2}
        maintains = in_role("maintainer", it, lake)
        pruned = maintains.run("prune", "--keep", "1", "--yes")
        assert pruned.status() == 0, pruned.output
        assert kept(place, "love") == {"raw_works": 1, "raw_details": 1}
        removed = maintains.run("subjects", "remove", "love", "--delete-data")
        assert removed.status() == 0, removed.output
        assert [path for path in place.open().paths("") if "love/" in path] == []


def in_role(role: str, it: Commands, lake: Lake) -> Commands:
    """Return the same commands with the rights of a role."""
    return replace(it, variables={**it.variables, **lake.ceph.variables(lake.roles[role])})


def kept(place: Place, subject: str) -> dict[str, int]:
    """Return how many snapshots of a subject there are, by table."""
    return {
        table.name: len(place.open().folders(f"bronze/{table.name}/subject={subject}")) for table in SNAPSHOT_TABLES
    }


def test_an_analyst_asks_the_catalog_about_gold_and_is_refused_bronze(lake: Lake, tmp_path: Path) -> None:
    place = Place(f"s3://{lake.data}/{PREFIX}", lake.ceph.variables(lake.roles["pipeline"]))
    with (
        Sandbox(SandboxConfig({"hate": 30})) as sandbox,
        commands(tmp_path, sandbox.url, **place.variables, OPENLIB_STORAGE=place.root) as it,
    ):
        made = it.run("run", "hate")
        assert made.status() == 0, made.output
        asks = in_role("analyst", it, lake)
        gold = asks.run("sql", "SELECT works FROM subject_summary WHERE subject = 'hate'")
        assert gold.status() == 0, gold.output
        assert "30" in gold.output
        for question in ("SELECT * FROM raw_works", "SELECT * FROM books"):
            refused = asks.run("sql", question)
            assert refused.status() == 1
            assert "Traceback" not in refused.output
