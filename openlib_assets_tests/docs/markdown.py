"""What the documents show: blocks of code, and the commands in blocks and in the text."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from openlib_assets_tests.tools.deployment import PROJECT_ROOT

README, CONTRIBUTING, OPERATIONS, DUMPS = "README.md", "CONTRIBUTING.md", "docs/operations.md", "docs/dumps.md"
DATA_MODEL, TABLE_FORMATS = "docs/data_model.md", "docs/table_formats.md"

_PROGRAMS = {"aws", "dagster", "dg", "duckdb", "export", "make", "openlib", "pip"}
# What a shell keeps for the commands that follow.
_KEPT = (". ", "export ")
_OPTIONAL = re.compile(r" \[[^]]*\](\.\.\.)?")
_NAME = re.compile(r"openlib (?:subjects |storage |dump |iceberg )?[a-z]+")
_TO_FILL_IN = re.compile(r"[A-Z]+|.*\.\.\.")
_COMMENT = re.compile(r"\s+# .*")


@dataclass(frozen=True)
class Block:
    """A block of code in a document."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A complete command, and what the shell was told before: to activate the environment, to export variables."""

    text: str
    before: tuple[str, ...]

    def __str__(self) -> str:
        return self.text


def blocks(document: str, language: str | None = None) -> list[Block]:
    """Return the blocks of code of a document, or those in one language."""
    return [
        Block(document, token.map[0] + 1, token.info, token.content)
        for token in _tokens(document)
        if token.type in ("fence", "code_block") and token.map and language in (None, token.info)
    ]


def commands(in_blocks: Sequence[Block], in_text: Sequence[str]) -> list[Command]:
    """Return each complete command once: those in blocks of shell, in their order, then those in the text of documents.

    A form such as `openlib prune [--keep N]` is complete without its optional parts where nothing is left to fill in.
    """
    before: list[str] = []
    found: dict[str, Command] = {}
    for text in (line for block in in_blocks for line in _lines(block.text)):
        if text.startswith(_KEPT):
            before.append(text)
        else:
            found.setdefault(text, Command(text, tuple(before)))
    for text in (code for document in in_text for code in _inline(document)):
        complete = _OPTIONAL.sub("", text) if _is_openlib(text) else text
        if not _is_form(complete) and not (complete == text and _is_name(text)):
            found.setdefault(complete, Command(complete, tuple(before)))
    return list(found.values())


def forms(documents: Sequence[str]) -> dict[str, set[str]]:
    """Return the `openlib` commands whose forms or names stand in the text of documents, with the options they show."""
    found: dict[str, set[str]] = {}
    for text in (code for document in documents for code in _inline(document)):
        if _is_openlib(text) and (_is_name(text) or _is_form(text)):
            name = _NAME.findall(text)[0]
            found.setdefault(name, set()).update(re.findall(r"--[a-z-]+", text))
    return found


def _inline(document: str) -> Iterator[str]:
    """Return what looks like a command in the text and the tables of a document."""
    for token in _tokens(document):
        for code in token.children or []:
            words = code.content.split() if code.type == "code_inline" else []
            if len(words) > 1 and words[0] in _PROGRAMS:
                yield code.content


def _lines(shell: str) -> Iterator[str]:
    """Return the commands of a block, without comments; one that goes on over lines is one."""
    command = ""
    for line in shell.splitlines():
        command += _COMMENT.sub("", line)
        if command and _is_whole(command):
            yield command
            command = ""
        elif command:
            command += "\n"


def _is_whole(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:  # a quote is open
        return False
    return not command.endswith("\\")


def _is_openlib(text: str) -> bool:
    return text.startswith("openlib ")


def _is_name(text: str) -> bool:
    """Tell whether a text is the name of one of our commands only: `openlib subjects list`."""
    return _NAME.fullmatch(text) is not None


def _is_form(text: str) -> bool:
    """Tell whether a command of ours leaves something to fill in or to choose: `openlib export SUBJECT --to DIR`."""
    return _is_openlib(text) and ("[" in text or any(_TO_FILL_IN.fullmatch(word) for word in shlex.split(text)))


def _tokens(document: str) -> list[Token]:
    text = (PROJECT_ROOT / document).read_text(encoding="utf-8")
    return MarkdownIt("commonmark").enable("table").parse(text)
