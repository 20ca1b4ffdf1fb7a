"""Which asset a table of the contract is."""

import dagster as dg

from openlib_assets.lake.contract import Layer, Table


def asset_key(table: Table) -> dg.AssetKey:
    """Return the key of a table's asset: its name, with `warehouse` before it where it is one of the warehouse."""
    return dg.AssetKey([str(table.layer), table.name] if table.layer is Layer.WAREHOUSE else [table.name])
