"""A real S3 server on this machine: Ceph's RGW, over one monitor and one OSD that keeps its objects in memory.

All of it listens on 127.0.0.1 only, keeps its files in the folder that it is given, and ends with the block. Users,
and what policies let them do, belong here too.
"""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from openlib_assets_tests.tools.deployment import PATIENCE_SECONDS, DeploymentError, running, wait_until_up
from openlib_assets_tests.tools.ports import free_port

REGION = "us-east-1"

_PACKAGES = ("radosgw", "ceph-mon", "ceph-osd")
_PROGRAMS = (*_PACKAGES, "radosgw-admin", "ceph", "ceph-authtool", "monmaptool")
_RGW = "client.rgw.a"
# What each of them may do in the cluster.
_CAPABILITIES = {
    "mon.": {"mon": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *"},
    "osd.0": {"mon": "allow profile osd", "osd": "allow *"},
    _RGW: {"mon": "allow rw", "osd": "allow rwx"},
}

# One copy of each object. The monitor decides at once, where it would gather for a second what to decide.
_CONFIGURATION = """\
[global]
fsid = {cluster}
mon_host = {monitor}
mon_initial_members = a
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
keyring = {home}/keyring
log_file = {home}/$name.log
run_dir = {home}
admin_socket =
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
[mon]
mon_data = {home}/mon
mon_data_avail_warn = 1
mon_data_avail_crit = 1
paxos_propose_interval = 0.05
[osd]
osd_data = {home}/osd
osd_objectstore = memstore
memstore_device_bytes = 8589934592
[{rgw}]
rgw_data = {home}/rgw
rgw_frontends = beast endpoint=127.0.0.1:{s3_port}
rgw_thread_pool_size = 32
"""


@dataclass(frozen=True)
class Credentials:
    """By what a user is known to S3."""

    access_key: str
    secret_key: str


@dataclass(frozen=True)
class Ceph:
    """A running server; `admin` owns whatever it makes, and may set the policies of other users."""

    url: str
    configuration: Path
    admin: Credentials

    def variables(self, credentials: Credentials | None = None) -> dict[str, str]:
        """Return the environment in which this server is S3 for a user, by default the admin."""
        credentials = credentials or self.admin
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str = "s3", credentials: Credentials | None = None) -> Any:
        """Return boto3's client of `s3` or `iam` for a user, by default the admin."""
        credentials = credentials or self.admin
        return boto3.client(
            service,
            endpoint_url=self.url,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            region_name=REGION,
        )

    def user(self, policy: Mapping[str, Any] | None = None) -> Credentials:
        """Make a user who may do what an IAM policy allows; without one, nothing with what is not their own.

        Raises botocore's ClientError for a policy that the server does not understand.
        """
        name = f"user-{uuid.uuid4().hex}"
        credentials = _user(self.configuration, name)
        if policy is not None:
            self.client("iam").put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=json.dumps(policy))
        return credentials


@contextmanager
def ceph_s3(folder: Path) -> Iterator[Ceph]:
    """Serve S3 for the block from a new folder below `folder`.

    Raises DeploymentError where Ceph is not installed, and where one of its processes does not come up.
    """
    if missing := [program for program in _PROGRAMS if shutil.which(program) is None]:
        raise DeploymentError(
            f"no {', '.join(missing)} on the PATH; on Debian: apt-get install --no-install-recommends "
            f"{' '.join(_PACKAGES)}"
        )
    home = folder / f"ceph-{uuid.uuid4().hex[:8]}"
    for name in ("mon", "osd", "rgw"):
        (home / name).mkdir(parents=True)
    s3_port = free_port()
    configuration = _configured(home, mon_port=free_port(), s3_port=s3_port)
    _keys(home)
    _run(configuration, "ceph-mon", "--mkfs", "-i", "a", "--monmap", home / "monmap", "--keyring", home / "keyring")
    with _daemon(configuration, "ceph-mon", "-i", "a"):
        osd_id = str(uuid.uuid4())
        _run(configuration, "ceph", "osd", "new", osd_id)
        _run(configuration, "ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd_id)
        with _daemon(configuration, "ceph-osd", "-i", "0"), _daemon(configuration, "radosgw", "-n", _RGW) as (rgw, log):
            url = f"http://127.0.0.1:{s3_port}"
            wait_until_up(url, rgw, log)
            yield Ceph(url, configuration, _user(configuration, "admin", "--caps=user-policy=*"))


def _configured(home: Path, *, mon_port: int, s3_port: int) -> Path:
    """Write the configuration of a cluster of one, and the map by which its monitor is found."""
    cluster, monitor = str(uuid.uuid4()), f"[v2:127.0.0.1:{mon_port}]"
    file = home / "ceph.conf"
    text = _CONFIGURATION.format(cluster=cluster, monitor=monitor, home=home, s3_port=s3_port, rgw=_RGW)
    file.write_text(text, encoding="utf-8")
    _run(file, "monmaptool", "--create", "--fsid", cluster, "--addv", "a", monitor, home / "monmap")
    return file


def _keys(home: Path) -> None:
    """Make a key for each member of the cluster."""
    keyring = home / "keyring"
    keyring.touch(mode=0o600)
    for name, capabilities in _CAPABILITIES.items():
        caps = [word for service, allowed in capabilities.items() for word in ("--cap", service, allowed)]
        _run(home / "ceph.conf", "ceph-authtool", keyring, "--gen-key", "-n", name, *caps)


def _user(configuration: Path, name: str, *options: str) -> Credentials:
    said = _run(
        configuration,
        "radosgw-admin",
        "-n",
        _RGW,
        "user",
        "create",
        f"--uid={name}",
        f"--display-name={name}",
        *options,
    )
    (keys,) = json.loads(said)["keys"]
    return Credentials(keys["access_key"], keys["secret_key"])


@contextmanager
def _daemon(configuration: Path, program: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run one of Ceph's daemons for the block; give its process and the file of what it prints."""
    log = configuration.with_name(f"{program}.output")
    with running([program, "-f", *arguments], _environment(configuration), log) as process:
        yield process, log


def _run(configuration: Path, *command: str | Path) -> str:
    """Run one of Ceph's commands to its end; give what it printed."""
    try:
        done = subprocess.run(
            command,
            env=_environment(configuration),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise DeploymentError(f"{command[0]}: exit status {error.returncode}\n{error.stderr[-3000:]}") from None
    except subprocess.TimeoutExpired:
        raise DeploymentError(f"{command[0]}: not within {PATIENCE_SECONDS} s") from None
    return done.stdout


def _environment(configuration: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(configuration.parent), "CEPH_CONF": str(configuration)}
