"""What a table of the contract is as an Iceberg table: columns, key, sort order, and what is said of it."""

import hashlib

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError, ValidationError
from pyiceberg.schema import Schema, assign_fresh_schema_ids
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BooleanType,
    DoubleType,
    IcebergType,
    ListType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

from openlib_assets.lake import layout
from openlib_assets.lake.contract import Table
from openlib_assets.storage import Storage

# What differs where the columns of a table do; a table with others is made anew.
_SHAPE = "openlib.shape"

# Numbers are given to all columns anew, those within lists last.
_ANY_ID = 0

_TYPES: dict[pa.DataType, IcebergType] = {
    pa.string(): StringType(),
    pa.int64(): LongType(),
    pa.float64(): DoubleType(),
    pa.bool_(): BooleanType(),
    pa.timestamp("us", "UTC"): TimestamptzType(),
}


def schema_of(table: Table) -> Schema:
    """Return the columns of a table with their descriptions, and its key."""
    fields = [
        NestedField(
            place,
            column.name,
            _type(column.type),
            # What a file says of its columns, it must say of the table, too; those of dumps say it of none.
            required=not column.nullable and not table.by_dump,
            doc=column.description,
        )
        for place, column in enumerate(table.columns, 1)
    ]
    key = [field.field_id for field in fields if field.name in table.key and field.required]
    return assign_fresh_schema_ids(Schema(*fields, identifier_field_ids=key))


def open_table(catalogue: Catalog, namespace: str, storage: Storage, table: Table) -> IcebergTable:
    """Return a table as it is registered.

    It is made if it is not there, has the columns of another release, or lies below another root, as before the storage
    was copied or moved; also if its metadata is gone or damaged.
    """
    name, location = (namespace, table.name), storage.uri(f"{layout.ICEBERG}/{table.name}")
    try:
        found = catalogue.load_table(name)
    except NoSuchTableError:
        pass
    except (FileNotFoundError, ValidationError):
        catalogue.drop_table(name)
    else:
        if (found.properties.get(_SHAPE), found.location()) == (_shape(table), location):
            return found
        catalogue.drop_table(name)
    schema = schema_of(table)
    order = (
        SortField(source_id=schema.find_field(column).field_id, transform=IdentityTransform()) for column in table.key
    )
    return catalogue.create_table(
        name,
        schema,
        location=location,
        sort_order=SortOrder(*order),
        properties={
            "comment": table.description,
            _SHAPE: _shape(table),
            # The files know names, and no numbers of columns.
            "schema.name-mapping.default": schema.name_mapping.model_dump_json(),
            # The files are the lake's: no program may remove one since no snapshot needs it.
            "gc.enabled": "false",
            "write.metadata.delete-after-commit.enabled": "true",
        },
    )


def _type(arrow_type: pa.DataType) -> IcebergType:
    if pa.types.is_list(arrow_type):
        return ListType(_ANY_ID, _TYPES[arrow_type.value_type], element_required=False)
    return _TYPES[arrow_type]


def _shape(table: Table) -> str:
    columns = [(column.name, str(column.type), column.nullable) for column in table.columns]
    return hashlib.sha256(repr((columns, table.key)).encode()).hexdigest()[:16]
