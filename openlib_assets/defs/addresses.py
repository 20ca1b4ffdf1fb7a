"""Where people find the files, the code and the definitions of assets, by the settings in force."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from openlib_assets.defs.asset_keys import asset_key
from openlib_assets.defs.ui_metadata import DEFINITIONS, URI_METADATA
from openlib_assets.lake.contract import CATALOGUE_TABLES, DERIVED_TABLES, STORE_TABLES, WAREHOUSE_TABLES
from openlib_assets.settings import Settings
from openlib_assets.storage import LocalStorage, storage_kind, storage_uri

CODE_REFERENCES = "dagster/code_references"

_PROJECT = Path(__file__).parents[2]
_SQL_FILES = {
    asset_key(table): _PROJECT / "openlib_assets/sql" / f"{table.sql}.sql"
    for table in (*DERIVED_TABLES, *STORE_TABLES, *WAREHOUSE_TABLES, *CATALOGUE_TABLES)
}

# What the UI shows with a picture; it has none for `local`.
_KINDS = {LocalStorage.kind: "file"}


def located(assets: Sequence[dg.AssetsDefinition], settings: Settings) -> list[dg.AssetsDefinition]:
    """Return assets that say where their files, their code and the definitions of their terms are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # code references are beta; the Dagster version is pinned
        return [_located(asset, settings) for asset in assets]


def _located(asset: dg.AssetsDefinition, settings: Settings) -> dg.AssetsDefinition:
    place = storage_kind(settings.storage)

    def say(spec: dg.AssetSpec) -> dg.AssetSpec:
        path = spec.metadata.get(URI_METADATA)
        files = {URI_METADATA: storage_uri(settings.storage, path)} if path else {}
        return spec.replace_attributes(
            description=_linked(spec.description or "", settings.repository_url),
            kinds={*spec.kinds, _KINDS.get(place, place)},
            metadata={
                **spec.metadata,
                **files,
                CODE_REFERENCES: _code_references(asset, spec, settings.repository_url),
            },
        )

    return asset.map_asset_specs(say)


def _code_references(
    asset: dg.AssetsDefinition, spec: dg.AssetSpec, repository: str | None
) -> dg.CodeReferencesMetadataValue:
    """Return where the SQL of a table is, and the function that makes the asset."""
    # By hand: Dagster's with_source_code_references parses modules for the number of a line, on the way of every run;
    # its link_code_references_to_git knows two platforms only.
    compute: Any = asset.op.compute_fn
    code = compute.decorated_fn.__code__
    sql = _SQL_FILES.get(spec.key)
    places = [*([(sql, 1)] if sql else []), (Path(code.co_filename), code.co_firstlineno)]
    return dg.CodeReferencesMetadataValue(
        code_references=[_reference(file, line, repository) for file, line in places],
    )


def _reference(file: Path, line: int, repository: str | None) -> dg.LocalFileCodeReference | dg.UrlCodeReference:
    if repository and file.is_relative_to(_PROJECT):
        return dg.UrlCodeReference(url=f"{repository}/{file.relative_to(_PROJECT).as_posix()}#L{line}")
    return dg.LocalFileCodeReference(file_path=str(file), line_number=line)


def _linked(description: str, repository: str | None) -> str:
    """Return a description in which the file of definitions is a link, where the repository is known."""
    named = f"`{DEFINITIONS}`"
    return description.replace(named, f"[{DEFINITIONS}]({repository}/{DEFINITIONS})") if repository else description
