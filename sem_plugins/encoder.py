"""The one encoder behind the shipped readings: a dialogue in, the outputs of every head out."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from agent.batching import cores
from agent.errors import WeightsError
from agent.once import Same, once
from agent.turn import Message, Turn
from sem_plugins.cut_graph import only, outputs
from sem_plugins.weights import CURE, SHIPPED, Manifest, load_manifest
from sem_plugins.window import Window, WindowMaker

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

__all__ = [
    "VECTORS",
    "Encoded",
    "Encoder",
    "encoder_for",
    "forget_readings",
    "load_onnxruntime",
    "one_pass",
    "open_session",
]

Array = NDArray[np.float32]

VECTORS = "/network/shared.3/output/LayerNorm/LayerNormalization_output_0"
"""Inner tensor of the token vectors: the last layer that all heads share, the fourth of six."""

_REMEMBERED = 1024  # of some 11 kB for 160 tokens, 11 MB in all; a whole batch, read by plugin after plugin

_ENCODERS: WeakSet[Encoder] = WeakSet()


@dataclass(frozen=True, slots=True)
class Encoded:
    """What one pass gave.

    Attributes:
        window: What the encoder saw, without its ids: they spell the text, which is not kept.
        outputs: Per head its numbers, uncalibrated: (size,), or (T, size) for heads over tokens; inner tensors
            that were asked for are beside them, (T, size).
    """

    window: Window
    outputs: Mapping[str, Array]


class Encoder:
    """Runs the shipped ONNX model on the CPU, one dialogue at a time.

    Not in batches: the scales of eight-bit activations are taken over everything that runs
    together, so that a text would be read in another way beside other texts (by up to 1.0 logit).
    Short messages run at more than 300 a second all the same, since nothing is padded.

    The last results are kept, under a hash of the dialogue and never its text: plugins that read
    the same turn share one pass.

    Args:
        manifest: What to load.
        threads: Threads within one operation; 0 takes what the process may use, at most four.
        inner: Names of tensors inside of the graph, over tokens, that are given beside the heads.
        remembered: How many results are kept. With inner tensors one takes up to a quarter of a megabyte.

    Raises:
        WeightsError: A file is missing, altered, or cannot be loaded, or has no such tensor.
    """

    def __init__(
        self, manifest: Manifest, *, threads: int = 0, inner: Sequence[str] = (), remembered: int = _REMEMBERED
    ) -> None:
        self.manifest = manifest
        self._session = open_session(manifest.verified(manifest.model), threads, inner=inner)
        self._maker = WindowMaker(_tokenizer(manifest.verified(manifest.tokenizer)), manifest.max_tokens)
        self._names = [*manifest.heads, *inner]
        self._remembered = remembered
        _agree(self._session, manifest)
        self._kept: OrderedDict[bytes, Encoded] = OrderedDict()
        self._lock = threading.Lock()
        _ENCODERS.add(self)

    def read(self, messages: Sequence[Message], *, said: int | None = None) -> Encoded:
        """One pass over the dialogue that ends with the message to be read.

        Where it is longer than `manifest.max_tokens`, the oldest part is left out (`Window` says how much).

        Args:
            messages: At least one, oldest first.
            said: Utterances of the conversation so far, where `messages` are only its newest part.
        """
        key = _key(messages, said)
        with self._lock:
            found = self._kept.get(key)
        if found is not None:
            return found
        window = self._maker(messages, said=said)
        outputs = one_pass(self._session, self._names, {"ids": window.ids[None], "types": window.types[None]})
        encoded = Encoded(
            replace(window, ids=np.empty(0, np.int64)),
            {name: output[0] for name, output in zip(self._names, outputs, strict=True)},
        )
        with self._lock:
            self._kept[key] = encoded
            while len(self._kept) > self._remembered:
                self._kept.popitem(last=False)
        return encoded

    def window(self, text: str) -> Window:
        """What a pass over a message alone sees."""
        return self._maker((Message("seeker", text),))

    def forget(self) -> None:
        """Drop the results that are kept."""
        with self._lock:
            self._kept.clear()

    def read_turn(self, turn: Turn) -> Encoded:
        """One pass over everything that was said up to and with the turn's message."""
        return self._read_after(Same(turn.history), turn.text, turn.index)

    @once  # seven readers ask, and each time all that was said would be hashed
    def _read_after(self, history: Same[tuple[Message, ...]], text: str, index: int) -> Encoded:
        messages: Sequence[Message] = (*history.it, Message("seeker", text))
        return self.read(messages, said=max(len(messages), 2 * index + 1))


def _key(messages: Sequence[Message], said: int | None) -> bytes:
    digest = hashlib.sha256(repr(said).encode())
    for message in messages:
        digest.update(repr((message.role, message.strategy, message.text)).encode())
    return digest.digest()


def forget_readings() -> None:
    """Drop what all encoders of this process keep of what they read, e.g. after a conversation was erased.

    That is numbers, under hashes of dialogues; whoever has the very words could tell that they were read.
    """
    for encoder in list(_ENCODERS):
        encoder.forget()


def encoder_for(settings: Any = None) -> Encoder:
    """The encoder that the settings ask for, loaded once per process.

    Args:
        settings: `weights` names a folder (default: the shipped ones), `threads` a number.

    Raises:
        WeightsError: A file is missing, altered, or cannot be loaded.
    """
    return _loaded(getattr(settings, "weights", None) or SHIPPED, getattr(settings, "threads", 0))


@lru_cache(maxsize=4)
def _loaded(folder: Path, threads: int) -> Encoder:
    return Encoder(load_manifest(folder), threads=threads)


def load_onnxruntime() -> ModuleType:
    """`onnxruntime`, with its telemetry off. Import it in no other way.

    From 1.32 on, its Linux wheel keeps a device id on disk and carries an address to report to.
    Nothing about conversations is to leave the machine, not even that they happened.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # 80 ms: only where something is read

    return onnxruntime  # type: ignore[no-any-return]  # it has no types


def open_session(
    path: Path, threads: int = 0, *, inner: Sequence[str] = (), instead: str | None = None
) -> InferenceSession:
    """A session of ONNX Runtime, set up as the encoder wants it.

    Args:
        path: The model.
        threads: As the encoder has them.
        inner: Names of tensors inside of the graph that become outputs too.
        instead: Name of a tensor inside of the graph that becomes the only output; what lies above is not loaded.

    Raises:
        WeightsError: The file is no model, or has no such tensor.
    """
    ort = load_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or _usable_threads()
    # Threads wait actively during a pass and not after it: the rest of the turn shares their cores.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # And for each other not for long, as they do by default: alone a pass is no slower for it, and where something
    # else needs a core it is faster.
    options.add_session_config_entry("session.intra_op.spin_duration_us", "20")
    options.log_severity_level = 3  # warnings about the hardware say nothing to a person who chats
    try:
        model: bytes | str = path.read_bytes() + outputs(inner) if inner else str(path)
        if instead is not None:
            inner, model = (instead,), only(path.read_bytes(), instead)
        return ort.InferenceSession(
            model, options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOWER
        )
    except Exception as error:  # the library's exceptions share no public base class
        without = f" with a tensor {' and '.join(map(repr, inner))} inside" if inner else ""
        raise WeightsError(
            f"Weights file {str(path)!r} is no model{without} that ONNX Runtime can load. {CURE}"
        ) from error


def one_pass(session: InferenceSession, names: Sequence[str], given: Mapping[str, NDArray[Any]]) -> list[Array]:
    """Run a session, once fewer others run than there are cores.

    More side by side are no faster, and ONNX Runtime keeps the memory that each of them worked in, some 3 MB of
    the encoder's: on a machine that is too busy, a server would gather as many as messages wait.

    Args:
        session: As `open_session` opened it.
        names: Of the outputs.
        given: Inputs by name.
    """
    with _PASSES:
        found: list[Array] = session.run(names, given)
    return found


# Its operator for a sum and its normalisation in one is not vectorised: slower than both apart (version 1.32).
_SLOWER = ["SkipLayerNormFusion"]

_PASSES = threading.BoundedSemaphore(cores())


def _usable_threads() -> int:
    """ONNX Runtime's own choice leaves out the second thread of a core: 7.0 ms for 64 tokens, not 4.5."""
    return min(4, cores())


def _agree(session: InferenceSession, manifest: Manifest) -> None:
    sizes = {output.name: output.shape[-1] for output in session.get_outputs()}
    for name, head in manifest.heads.items():
        if sizes.get(name) != head.size:
            raise WeightsError(
                f"Manifest and model in {str(manifest.folder)!r} disagree: head {name!r} has "
                f"{head.size} outputs, the model {sizes.get(name, 'none of that name')}. {CURE}"
            )


def _tokenizer(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer  # 40 ms

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain `Exception`
        raise WeightsError(f"Tokenizer {str(path)!r} cannot be loaded. {CURE}") from error
