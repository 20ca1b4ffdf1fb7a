"""Runs as tasks of ECS, of which a run's tags choose the size and nothing else.

`deploy/aws/dagster.yaml` names this launcher; nothing imports it, since dagster-aws' part for ECS takes long to load.
"""

from collections.abc import Mapping

import dagster_aws.ecs
from dagster._core.launcher import LaunchRunContext, ResumeRunContext

from openlib_assets.storage.errors import OpenlibError

_SIZES = {"ecs/cpu", "ecs/memory", "ecs/ephemeral_storage"}
# Written by the launcher itself, and copied with the other tags when a run is executed again.
_OF_A_LAUNCH = {"ecs/task_arn", "ecs/cluster"}


class RunTagError(OpenlibError):
    """A run has a tag that would change more of its task than the size."""


class EcsRunLauncher(dagster_aws.ecs.EcsRunLauncher):
    """Dagster's launcher on ECS, which refuses tags that set command, role, image or network of a task.

    Dagster hands `ecs/container_overrides`, `ecs/task_overrides` and `ecs/run_task_kwargs` on to ECS as they are.
    """

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the task of a run; raises RunTagError."""
        _refuse_overrides(context.dagster_run.tags)
        super().launch_run(context)

    def resume_run(self, context: ResumeRunContext) -> None:
        """Start another task for a run whose task is gone; raises RunTagError."""
        _refuse_overrides(context.dagster_run.tags)
        super().resume_run(context)


def _refuse_overrides(tags: Mapping[str, str]) -> None:
    refused = sorted(tag for tag in tags if tag.startswith("ecs/") and tag not in _SIZES | _OF_A_LAUNCH)
    if refused:
        raise RunTagError(
            f"the run is not started: remove the {'tags' if refused[1:] else 'tag'} {', '.join(refused)}; "
            f"of the tags of ECS only {', '.join(sorted(_SIZES))} may be set"
        )
