"""DuckDB's SQL of the steps as Spark understands it.

The SQL files are the one definition of every step. Spark has no functions that SQL defines for all sessions, so their
bodies are written out. sqlglot then translates; what it does not know, or translates into what means something else,
is in `_OTHERWISE`. Since sqlglot passes on what it does not know, only what the tests have compared is let through.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import sqlglot
from sqlglot import exp

from openlib_assets.lake.functions import by_name

_Node = exp.Expr

# What the steps use once translated, as sqlglot calls it or Spark: the tests compare what both engines make of each, so
# nothing is here that no step uses.
_COMPARED = """
    And AnyValue ArgMax ArgMin Array ArrayAgg ArrayConcat ArrayDistinct ArrayFilter ArraySize ArraySort ArrayToString
    Case Cast Ceil Coalesce Concat Contains Count Explode Flatten FromJson If JSONExtractScalar JSONFormat Left Length
    Lower Max Median Min Nullif Or Replace Right Split StartsWith StrPosition Struct Substring Sum Transform Trim
    TryCast Upper VarMap endswith regexp_extract regexp_like regexp_replace try_element_at try_parse_json
"""
# What RE2 spells otherwise than Java, whose $ also stands before the end of a last line.
_PATTERNS = (("\\x{AD}", "\\xAD"), ("\\x{85}", "\\x85"), ("\\v", "\\x0B"), ("|$)", "|\\z)"), ("]+$", "]+\\z"))


class NotRenderedError(ValueError):
    """SQL with a function of which nobody has seen that Spark has the same."""


@cache
def spark_sql(query: str) -> str:
    """Return a query of DuckDB's as Spark's SQL; raises NotRenderedError."""
    tree = _translated(_written_out(sqlglot.parse_one(query, read="duckdb")))
    unknown = {_name(node) for node in tree.find_all(exp.Func)} - set(_COMPARED.split())
    if unknown:
        raise NotRenderedError(f"not known to be the same in Spark: {', '.join(sorted(unknown))}")
    return tree.sql("spark", unsupported_level=sqlglot.ErrorLevel.RAISE)


def unordered(query: str) -> tuple[str, list[str]]:
    """Return a query of DuckDB's without its order, and the columns of that."""
    tree = sqlglot.parse_one(query, read="duckdb")
    order = tree.args["order"].pop()
    return tree.sql("duckdb"), [one.this.name for one in order.expressions]


def _name(function: exp.Func) -> str:
    return function.name.lower() if isinstance(function, exp.Anonymous) else type(function).__name__


@cache
def _functions() -> Mapping[str, tuple[list[str], _Node]]:
    """Return parameters and body of each function of the steps."""
    found = {}
    # sqlglot reads not every function as a whole: none that begins with a text, and none without a parameter.
    for name, function in by_name().items():
        named = [parameter.strip() for parameter in function.parameters.split(",") if parameter.strip()]
        found[name] = named, sqlglot.parse_one(f"SELECT {function.body}", read="duckdb").expressions[0]
    return found


def _written_out(tree: _Node) -> _Node:
    """Put the bodies of functions in the places of their calls."""

    def body(node: _Node) -> _Node:
        name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
        if name == "first_of_each":
            # Spark's keeps the order, which DuckDB's list_distinct does not.
            return _spark("COALESCE(ARRAY_DISTINCT(:texts), ARRAY())", texts=_written_out(node.expressions[0]))
        if name not in _functions():
            return node
        parameters, written = _functions()[name]
        given = dict(zip(parameters, node.expressions, strict=True))

        def filled(part: _Node) -> _Node:
            if isinstance(part, exp.Column) and not part.table and part.name in given and not _is_bound(part):
                return _enclosed(given[part.name].copy())
            return part

        return _written_out(_enclosed(written.copy()).transform(filled))

    return tree.transform(body)


def _is_bound(column: exp.Column) -> bool:
    """Tell whether a name is that of a parameter of a lambda around it."""
    around = column.parent
    while around is not None:
        if isinstance(around, exp.Lambda) and any(one.name == column.name for one in around.expressions):
            return True
        around = around.parent
    return False


def _enclosed(node: _Node) -> _Node:
    # AND is a function to sqlglot, too.
    is_one = isinstance(node, exp.Func | exp.Column | exp.Literal | exp.Paren) and not isinstance(node, exp.Binary)
    return node if is_one else exp.Paren(this=node)


def _translated(tree: _Node) -> _Node:
    """Translate each node after those within it: what stands for one is not looked at again."""
    for node in reversed(list(tree.find_all(exp.Expr, bfs=True))):
        kind = node.name.lower() if isinstance(node, exp.Anonymous) else type(node)
        if kind not in _OTHERWISE:
            continue
        new = _OTHERWISE[kind](node)
        if node is tree:
            return new
        node.replace(new)
    return tree


def _spark(sql: str, /, **parts: _Node) -> _Node:
    """Return Spark's SQL with nodes in the places of their names."""
    return exp.replace_placeholders(sqlglot.parse_one(sql, read="spark"), **parts)


def _call(name: str, *arguments: _Node) -> _Node:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _json_record(node: _Node) -> _Node:
    """Read fields of a JSON object as DuckDB does; null for what is no JSON.

    Spark alone takes for JSON what is cut, or goes on behind its end: so the text has to be JSON within an object and
    within a list, of which no text ends both. A list with one entry of another type is null to it: so all are texts
    first, as which it reads everything.
    """
    text, form = (node.this, node.expression) if isinstance(node, exp.FromJson) else node.expressions
    fields: Mapping[str, Any] = json.loads(form.name)
    columns = ", ".join(
        f"{name} {'ARRAY<STRING>' if isinstance(kind, list) else 'STRING'}" for name, kind in fields.items()
    )
    typed = ", ".join(f"'{name}', {_typed(f'record.{name}', kind)}" for name, kind in fields.items())
    # A list of one entry, since in a function of it the record is read once for all fields.
    return _spark(
        f"CASE WHEN NOT TRY_PARSE_JSON(CONCAT('{{\"\":', :text, '}}')) IS NULL "
        "AND NOT TRY_PARSE_JSON(CONCAT('[', :text, ']')) IS NULL THEN "
        f"TRY_ELEMENT_AT(TRANSFORM(ARRAY(FROM_JSON(:text, '{columns}')), record -> NAMED_STRUCT({typed})), 1) END",
        text=text,
    )


def _typed(value: str, kind: Any) -> str:
    if not isinstance(kind, list) or kind == ["VARCHAR"]:
        return value
    if kind == ["BIGINT"]:
        return f"TRANSFORM({value}, entry -> TRY_CAST(entry AS BIGINT))"
    fields = ", ".join(f"'{name}', GET_JSON_OBJECT(entry, '$.{name}')" for name in kind[0])
    return f"TRANSFORM({value}, entry -> NAMED_STRUCT({fields}))"


def _json_text(node: _Node) -> _Node:
    return _spark("TO_JSON(:value, MAP('ignoreNullFields', 'false'))", value=node.expressions[0])


def _joined_lists(node: _Node) -> _Node:
    # DuckDB passes over a list that is null.
    lists = [node.this, *node.expressions]
    return exp.ArrayConcat(this=_or_empty(lists[0]), expressions=[_or_empty(one) for one in lists[1:]])


def _or_empty(node: _Node) -> _Node:
    return _spark("COALESCE(:one, ARRAY())", one=node)


def _where_extreme(name: str, node: _Node) -> _Node:
    # DuckDB passes over a row in which the wanted value is null, Spark over one in which the compared value is.
    return _spark(
        f"{name}(:value, CASE WHEN NOT :value IS NULL THEN :compared END)", value=node.this, compared=node.expression
    )


def _entry(node: _Node) -> _Node:
    # sqlglot counts from 0.
    return _call("try_element_at", node.this, exp.Literal.number(int(node.expressions[0].name) + 1))


def _counted_from_1(node: _Node) -> _Node:
    """Let the place of an entry count from 1 as in DuckDB, and not from 0."""
    if isinstance(node.expression, exp.Lambda) and len(node.expression.expressions) == 2:
        place = node.expression.expressions[1].name
        for name in list(node.expression.this.find_all(exp.Identifier)):
            # A field may have the same name, and is a name itself.
            if name.name == place and not (isinstance(name.parent, exp.PropertyEQ) and name.arg_key == "this"):
                name.replace(_spark("(:place + 1L)", place=name.copy()))
    return node


def _pattern(node: _Node, form: str = "{}") -> _Node:
    def in_java(text: str) -> str:
        for ours, theirs in _PATTERNS:
            text = text.replace(ours, theirs)
        return form.replace("{}", text)

    return _texts(node, in_java)


def _texts(node: _Node, change: Callable[[str], str]) -> _Node:
    return node.transform(
        lambda part: exp.Literal.string(change(part.name)) if isinstance(part, exp.Literal) and part.is_string else part
    )


def _replaced(node: _Node) -> _Node:
    replacement = node.args.get("replacement") or exp.Literal.string("")
    groups = _texts(replacement, lambda text: re.sub(r"\\(\d)", r"$\1", text))
    return _call("regexp_replace", node.this, _pattern(node.expression), groups)


def _extracted(node: _Node) -> _Node:
    return _call("regexp_extract", node.this, _pattern(node.expression), node.args["group"])


_OTHERWISE: Mapping[type[_Node] | str, Callable[[Any], _Node]] = {
    exp.ArgMax: lambda node: _where_extreme("MAX_BY", node),
    exp.ArgMin: lambda node: _where_extreme("MIN_BY", node),
    exp.ArrayConcat: _joined_lists,
    exp.Bracket: _entry,
    exp.Chr: lambda node: exp.Literal.string(chr(int(node.expressions[0].name))),
    exp.FromJson: _json_record,
    exp.RegexpExtract: _extracted,
    exp.RegexpFullMatch: lambda node: _call("regexp_like", node.this, _pattern(node.expression, "^(?:{})\\z")),
    exp.RegexpLike: lambda node: _call("regexp_like", node.this, _pattern(node.expression)),
    exp.RegexpReplace: _replaced,
    # What fails in DuckDB is null in Spark, where the ANSI mode is off.
    exp.Try: lambda node: node.this,
    exp.Transform: _counted_from_1,
    "from_json": _json_record,
    "suffix": lambda node: _call("endswith", *node.expressions),
    "to_json": _json_text,
}
