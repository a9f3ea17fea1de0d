"""Real servers, started once and only where they are asked for (`make test-vllm`)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.serving import Served, free_port, serving, vllm_command, vllm_variables

ROOT = Path(__file__).parents[2]
VLLM = Path(os.environ.get("HEARTLINE_VLLM_PYTHON") or ROOT / ".vllm/bin/python")
LLAMA_CPP = os.environ.get("HEARTLINE_LLAMA_CPP", "")
GGUF = os.environ.get("HEARTLINE_GGUF", "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what starts servers unless it is asked for by mark. What needs no vLLM comes first, what ends it last."""
    if "vllm" not in (config.getoption("markexpr") or ""):
        for item in items:
            if item.get_closest_marker("vllm"):
                item.add_marker(
                    pytest.mark.skip(reason="starts real LLM servers, which takes minutes: make test-vllm")
                )
    ours = [item for item in items if item.get_closest_marker("vllm")]
    ours.sort(key=lambda item: sum(name in item.fixturenames for name in ("vllm", "vllm_to_kill")))
    items[:] = [item for item in items if not item.get_closest_marker("vllm")] + ours


@pytest.fixture(scope="session")
def vllm_python() -> Path:
    """Python of the environment that has vLLM and transformers."""
    if not VLLM.is_file():
        pytest.skip(
            f"{VLLM} is not there: `make test-vllm` makes the environment, or HEARTLINE_VLLM_PYTHON names one"
        )
    return VLLM


@pytest.fixture(scope="session")
def tiny_models(vllm_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the models `qwen3` and `llama` and the adapter `warm` (see `tiny_model.py`)."""
    folder = tmp_path_factory.mktemp("models")
    command = [vllm_python, Path(__file__).with_name("tiny_model.py"), folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def starting_vllm(
    vllm_python: Path, tiny_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """What `vllm` waits for. It takes half a minute or more, in which other tests can run."""
    log, port = tmp_path_factory.mktemp("vllm") / "log", free_port()
    model = tiny_models / "qwen3"
    command = vllm_command(vllm_python, model, port=port, adapter=tiny_models / "warm")
    with serving(command, port=port, model=model, log=log, variables=vllm_variables()) as served:
        yield served


@pytest.fixture(scope="session")
def vllm(starting_vllm: Served) -> Served:
    """A real vLLM with the tiny model as `tiny` and a LoRA adapter of it as `warm`."""
    return starting_vllm.ready()


@pytest.fixture
def vllm_to_kill(vllm: Served) -> Served:
    """The same; whoever asks for it comes after all others and may end it."""
    return vllm


@pytest.fixture(scope="session")
def transformers_serve(
    vllm_python: Path, tiny_models: Path, starting_vllm: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """`transformers serve` with a model whose template refuses late system messages; it answers to its folder's name."""
    log, port = tmp_path_factory.mktemp("transformers") / "log", free_port()
    model = tiny_models / "llama"
    command = [vllm_python.with_name("transformers"), "serve", model, "--device", "cpu"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with serving(command, port=port, model=model, log=log, variables={}) as served:
        yield served.ready()


@pytest.fixture(scope="session")
def llama_cpp_python() -> str:
    """The Python that HEARTLINE_LLAMA_CPP names, which has llama.cpp's server."""
    if not LLAMA_CPP:
        pytest.skip(
            "HEARTLINE_LLAMA_CPP names no Python that has 'llama-cpp-python[server]' and gguf, which take minutes to "
            "build (docs/servers.md)"
        )
    found = subprocess.run([LLAMA_CPP, "-c", "import gguf, llama_cpp.server"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(
            f"{LLAMA_CPP} cannot import gguf and llama_cpp.server: pip install 'llama-cpp-python[server]' gguf"
        )
    return LLAMA_CPP


@contextmanager
def _llama_cpp(python: str, model: Path, folder: Path) -> Iterator[Served]:
    port = free_port()
    command = [python, "-m", "llama_cpp.server", "--model", model, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--n_ctx", "4096", "--interrupt_requests", "false"]
    with serving(command, port=port, model=model, log=folder / "log", variables={}) as served:
        yield served.ready("/v1/models")


@pytest.fixture(scope="session")
def llama_cpp(
    llama_cpp_python: str, tiny_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """llama.cpp's server with a tiny model."""
    folder = tmp_path_factory.mktemp("llama-cpp")
    model = folder / "tiny.gguf"
    converter = Path(__file__).with_name("tiny_gguf.py")
    subprocess.run([llama_cpp_python, converter, tiny_models / "llama", model], check=True, timeout=120)
    with _llama_cpp(llama_cpp_python, model, folder) as served:
        yield served


@pytest.fixture(scope="session")
def speaking_llm(llama_cpp_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """llama.cpp's server with the trained model in the file that HEARTLINE_GGUF names."""
    if not Path(GGUF).is_file():
        pytest.skip("HEARTLINE_GGUF names no file with a trained model (docs/servers.md tells where to get one)")
    with _llama_cpp(llama_cpp_python, Path(GGUF), tmp_path_factory.mktemp("speaking")) as served:
        yield served
