"""What the benchmarks of `openlib run` share."""

from pathlib import Path

from openlib_assets_tests.deployment import DeploymentError, Finished, environment, openlib


def good_run(folder: Path, api_url: str, subject: str, *, seconds: float, **variables: str) -> Finished:
    """Run a subject on a fresh instance and storage below `folder`; raises DeploymentError where it is not complete."""
    folder.mkdir()
    result = openlib("run", subject, env=environment(folder, api_url, **variables), seconds=seconds)
    if result.status or "1 of 1 subjects are complete." not in result.output:
        raise DeploymentError(f"openlib run {subject} failed:\n{result.output}")
    return result
