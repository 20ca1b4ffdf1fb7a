"""Whom S3 refuses, and how they learn what to do about it: in one line, from every command."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import StorageError
from openlib_assets_tests.conftest import Place
from openlib_assets_tests.docs.markdown import OPERATIONS, Block, blocks
from openlib_assets_tests.tools.ceph import Ceph, Credentials
from openlib_assets_tests.tools.forked import commands
from openlib_assets_tests.tools.refusals import assert_one_line, everything

pytestmark = pytest.mark.s3_server

# The rights that the docs say are needed.
POLICIES = blocks(OPERATIONS, "json")

SUBJECT = "science_fiction"
WRONG_SECRET = "a-secret-of-somebody-else"
User = Callable[[Ceph, Place], Credentials]


def policy(place: Place, *allowed: str, listing: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Allow what may be done with objects below a place, and to list its bucket where `listing`, a condition, holds."""
    bucket, _, prefix = place.root.removeprefix("s3://").partition("/")
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": list(allowed), "Resource": f"arn:aws:s3:::{bucket}/{prefix}/*"}
    ]
    if listing is not None:
        may_list = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"}
        statements.append({**may_list, "Condition": listing} if listing else may_list)
    return {"Version": "2012-10-17", "Statement": statements}


ALL_OF_OBJECTS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")


def wrong_secret(ceph: Ceph, _: Place) -> Credentials:
    return Credentials(ceph.admin.access_key, WRONG_SECRET)


def unknown_key(_ceph: Ceph, _: Place) -> Credentials:
    return Credentials("AKIANOBODY", WRONG_SECRET)


def without_rights(ceph: Ceph, _: Place) -> Credentials:
    return ceph.user()


def without_writing(ceph: Ceph, place: Place) -> Credentials:
    return ceph.user(policy(place, "s3:GetObject", listing={}))


def without_listing(ceph: Ceph, place: Place) -> Credentials:
    return ceph.user(policy(place, *ALL_OF_OBJECTS))


# What each of them is told where an answer has room for a reason.
CODES: dict[User, str] = {
    wrong_secret: "SignatureDoesNotMatch",
    unknown_key: "InvalidAccessKeyId",
    without_rights: "AccessDenied",
    without_writing: "AccessDenied",
    without_listing: "AccessDenied",
}
REMEDIES = {
    "SignatureDoesNotMatch": "the secret does not belong to the access key: check AWS_ACCESS_KEY_ID",
    "InvalidAccessKeyId": "S3 does not know this access key: check AWS_ACCESS_KEY_ID",
    "AccessDenied": "this user lacks a right that docs/operations.md lists under Rights on S3",
    "403": "refused: check the credentials, and the rights in docs/operations.md, including s3:ListBucket",
    "NoSuchBucket": "create the bucket, or check OPENLIB_STORAGE and AWS_ENDPOINT_URL",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig({SUBJECT: 30})) as sandbox:
        yield sandbox


def openlib(place: Place, sandbox: Sandbox, folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a command to its end; give its exit status and what it printed, which is neither secret nor a traceback."""
    with commands(folder, sandbox.url, **place.variables, OPENLIB_STORAGE=place.root) as it:
        done = it.run(*arguments)
        status, output = done.status(), done.output
    assert "Traceback" not in output
    assert place.variables["AWS_SECRET_ACCESS_KEY"] not in output
    return status, output


def line_of(output: str, start: str) -> str:
    """Return the one line of an output that begins so."""
    (line,) = [line for line in output.splitlines() if line.startswith(start)]
    return line


@pytest.mark.parametrize("user", [wrong_secret, unknown_key, without_rights])
def test_who_is_refused_everything_is_told_what_to_do_in_one_line(
    user: User, ceph: Ceph, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ceph.variables(user(ceph, place)).items():
        monkeypatch.setenv(name, value)
    told = set()
    for error in everything(place.root):
        assert_one_line(error)
        assert str(error).startswith(f"{place.root}/a: ")
        assert WRONG_SECRET not in str(error)
        told |= {code for code, remedy in REMEDIES.items() if f"({code})" in str(error) and remedy in str(error)}
    assert told == {CODES[user], "403"}
    assert place.states() == {}


def test_a_bucket_that_is_not_there_is_told_with_what_to_do(ceph: Ceph, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ceph.variables().items():
        monkeypatch.setenv(name, value)
    root = "s3://no-such-bucket-here/prefix"
    for error in everything(root, bucket_is_there=False):
        assert_one_line(error)
        assert str(error).startswith(f"{root}/a: ")
        # A download asks for the head first, whose answer has no room for a reason.
        assert REMEDIES["NoSuchBucket"] in str(error) or str(error).endswith(": there is no such file")


@pytest.mark.parametrize("user", list(CODES))
def test_a_run_and_the_doctor_of_who_is_refused_end_red_with_a_line(
    user: User, ceph: Ceph, place: Place, sandbox: Sandbox, tmp_path: Path
) -> None:
    refused = Place(place.root, ceph.variables(user(ceph, place)))
    status, output = openlib(refused, sandbox, tmp_path, "run", SUBJECT)
    assert status == 1
    line = output.splitlines()[-1] if "FAILED" not in output else line_of(output, f"FAILED {SUBJECT}: ")
    assert place.root in line
    assert any(remedy in line for remedy in REMEDIES.values()), line
    assert [path for path in place.states() if not path.startswith("_")] == []

    status, output = openlib(refused, sandbox, tmp_path, "doctor")
    assert status == 1
    for what in ("storage", "watch list") if user is not without_writing else ("storage",):
        line = line_of(output, f"WRONG  {what}: {place.root}")
        assert f"({CODES[user]})" in line
        assert REMEDIES[CODES[user]] in line


def test_a_run_and_the_doctor_say_that_the_bucket_is_not_there(ceph: Ceph, sandbox: Sandbox, tmp_path: Path) -> None:
    nowhere = Place("s3://no-such-bucket-here/prefix", ceph.variables())
    for command in ("run", SUBJECT), ("doctor",):
        status, output = openlib(nowhere, sandbox, tmp_path, *command)
        assert status == 1
        assert REMEDIES["NoSuchBucket"] in output


def test_a_part_of_the_root_that_a_bucket_policy_denies_fails_the_run_there_and_leaves_what_came_before(
    ceph: Ceph, place: Place, sandbox: Sandbox, tmp_path: Path
) -> None:
    bucket, _, prefix = place.root.removeprefix("s3://").partition("/")
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/{prefix}/gold/*",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    ceph.client().put_bucket_policy(Bucket=bucket, Policy=text)
    status, output = openlib(place, sandbox, tmp_path, "run", SUBJECT)
    assert status == 1
    line = line_of(output, f"FAILED {SUBJECT}: ")
    assert f"{place.root}/gold/" in line
    assert REMEDIES["AccessDenied"] in line
    assert {path.partition("/")[0] for path in place.states()} >= {"bronze", "silver"}
    assert [path for path in place.states() if path.startswith("gold/")] == []


def _filled_in(documented: str, place: Place) -> str:
    """Put the names of a place into a policy of the docs."""
    bucket, _, prefix = place.root.removeprefix("s3://").partition("/")
    return documented.replace(":::bucket/prefix/", f":::{bucket}/{prefix}/").replace(':::bucket"', f':::{bucket}"')


@pytest.mark.parametrize("block", POLICIES, ids=str)
def test_a_user_may_do_what_the_documented_policy_allows_and_nothing_else(
    block: Block, ceph: Ceph, place: Place
) -> None:
    user = ceph.variables(ceph.user(json.loads(_filled_in(block.text, place))))
    storage = Place(place.root, user).open()
    assert not storage.exists("a/file")
    with storage.writing("a/file") as file:
        file.write_bytes(b"x")
    assert storage.read("a/file") == b"x"
    assert list(storage.paths("")) == ["a/file"]
    with storage.lock("lock", error_message="x"):
        pass
    storage.delete("a/file")
    assert place.states() == {}

    elsewhere = Place(f"{place.root}-other", user).open()
    with pytest.raises(StorageError, match="AccessDenied"):
        elsewhere.write("a/file", b"x")


def test_where_listing_is_allowed_below_a_prefix_only_a_file_that_is_not_there_looks_like_one_that_is_forbidden(
    ceph: Ceph, place: Place
) -> None:
    """S3 tells that an object is not there to those only who may list the bucket; no prefix is in that question."""
    prefix = place.root.removeprefix("s3://").partition("/")[2]
    narrow = policy(place, *ALL_OF_OBJECTS, listing={"StringLike": {"s3:prefix": f"{prefix}/*"}})
    storage = Place(place.root, ceph.variables(ceph.user(narrow))).open()
    storage.write("a/file", b"x")
    assert storage.exists("a/file")
    assert list(storage.paths("a")) == ["a/file"]
    with pytest.raises(StorageError, match="403"):
        storage.exists("a/missing")
