"""What the benchmarks of `openlib run` share."""

from pathlib import Path

from openlib_assets_tests.tools.deployment import DeploymentError, Finished, environment, openlib


def good_run(folder: Path, api_url: str, *subjects: str, seconds: float, **variables: str) -> Finished:
    """Run subjects on a fresh instance and storage below `folder`; raises DeploymentError where one is not complete."""
    folder.mkdir()
    result = openlib("run", *subjects, env=environment(folder, api_url, **variables), seconds=seconds)
    if result.status or f"{len(subjects)} of {len(subjects)} subjects are complete." not in result.output:
        raise DeploymentError(f"openlib run {subjects[0]} failed:\n{result.output}")
    return result
