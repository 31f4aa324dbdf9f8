"""The zip of a function's archive: the same files give the same bytes, on every machine and for every user.

Pulumi makes its own zip for a deployment, from the same files in the same order. This one is for an operator who needs
the file: to sign it (AWS Signer reads an object in S3), to inspect it, or to compare the deployments of two machines.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, Final, cast

import pulumi

from .function import archive

LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip can store."""
UNIX: Final = 3
"""Number of the system that created an entry: without it Windows would write another one."""


class UnknownArchive(Exception):
    """An archive of an unsupported type; the message names the type."""


def handler_zip() -> bytes:
    """The launcher's code as a zip, not compressed: two versions of zlib compress the same bytes differently."""
    return zipped(archive(), zipfile.ZIP_STORED)


def zipped(code: Any, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A Pulumi archive as a zip: fixed order, dates, modes and system. Raises UnknownArchive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as opened:
        for name, content in sorted(files(code)):
            entry = zipfile.ZipInfo(name, date_time=LONG_AGO)
            entry.create_system = UNIX
            entry.external_attr = 0o644 << 16
            entry.compress_type = compression
            opened.writestr(entry, content)
    return out.getvalue()


def asset(given: Any) -> bytes:
    """The content of an asset, or an archive as a zip. Raises UnknownArchive."""
    if isinstance(given, pulumi.FileAsset):
        return Path(given.path).read_bytes()
    return given.text.encode() if isinstance(given, pulumi.StringAsset) else zipped(given)


def files(code: Any, prefix: str = "") -> list[tuple[str, bytes]]:
    """Path and content of every file in a Pulumi archive. Raises UnknownArchive."""
    if isinstance(code, pulumi.AssetArchive):
        found: list[tuple[str, bytes]] = []
        for name, inner in cast("dict[str, Any]", code.assets).items():
            found += files(inner, f"{prefix}/{name}" if prefix else name)
        return found
    if isinstance(code, pulumi.FileAsset):
        return [(prefix, Path(code.path).read_bytes())]
    if isinstance(code, pulumi.StringAsset):
        return [(prefix, code.text.encode())]
    if isinstance(code, pulumi.FileArchive) and Path(code.path).is_dir():
        root = Path(code.path)
        inside = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return [(f"{prefix}/{path.relative_to(root).as_posix()}".lstrip("/"), path.read_bytes()) for path in inside]
    if isinstance(code, pulumi.FileArchive) and zipfile.is_zipfile(code.path):
        with zipfile.ZipFile(code.path) as opened:
            return [(f"{prefix}/{it}".lstrip("/"), opened.read(it)) for it in opened.namelist() if not it.endswith("/")]
    if isinstance(code, pulumi.FileArchive) and not Path(code.path).exists():
        raise UnknownArchive(f"code: {code.path} does not exist")
    raise UnknownArchive(f"code: an archive of type {type(code).__name__} is not supported here")
