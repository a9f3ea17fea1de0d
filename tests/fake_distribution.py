"""Distributions as an installer leaves them, for tests of entry points: no network, no installer.

What `importlib.metadata` sees of an installed distribution is a folder `<name>-<version>.dist-info`
with two text files on `sys.path`; so that is what is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["install"]


def install(
    folder: Path,
    name: str,
    *,
    entry_points: Mapping[str, Mapping[str, str]],
    modules: Mapping[str, str] | None = None,
    version: str = "1.0",
) -> None:
    """Lay a distribution into a folder, which is to be put on `sys.path` afterwards.

    Args:
        folder: Where.
        name: Of the distribution.
        entry_points: Group to name to value, e.g. `{"heartline.plugins": {"mine": "module:create"}}`.
        modules: Name of a module to its source.
        version: Of the distribution.
    """
    information = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    information.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (information / "METADATA").write_text(metadata, encoding="utf-8")
    lines = []
    for group, entries in entry_points.items():
        lines += [f"[{group}]", *(f"{entry} = {value}" for entry, value in entries.items()), ""]
    (information / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    for module, source in (modules or {}).items():
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
