"""All subjects' tables together, as views in DuckDB: those of the warehouse, and `by_subject` those of each subject.

`ask` runs a query over views, `catalog` lends a connection with them, `write_catalog` puts all into a database file for
other programs. `views` says which there are.
"""

from openlib_assets.lake.catalog.database import write_catalog
from openlib_assets.lake.catalog.querying import CatalogError, ask, catalog
from openlib_assets.lake.catalog.views import by_name

__all__ = ["CatalogError", "ask", "by_name", "catalog", "write_catalog"]
