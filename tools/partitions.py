"""The table of AWS's partitions, from botocore's data. `make partitions` writes it; a test checks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from botocore.loaders import Loader

TABLE: Final = Path(__file__).parents[1] / "handler" / "partitions.py"
_BEGIN: Final = "# Computed from here on by `make partitions`.\n"
_END: Final = "# Computed up to here.\n"


def known() -> list[dict[str, Any]]:
    """The partitions that botocore knows."""
    return Loader().load_data("partitions")["partitions"]


def written(module: str) -> str:
    """The module with the table computed from botocore's data."""
    before, _, rest = module.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    rows = ""
    for it in known():
        outputs = it["outputs"]
        texts = (it["id"], outputs["dnsSuffix"], outputs["dualStackDnsSuffix"])
        quoted = ", ".join(f'"{text}"' for text in texts)
        rows += f'    Partition({quoted}, r"{it["regionRegex"]}"),\n'
    return f"{before}{_BEGIN}PARTITIONS: Final = (\n{rows})\n{_END}{after}"


if __name__ == "__main__":
    TABLE.write_text(written(TABLE.read_text()))
