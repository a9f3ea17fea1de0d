"""Dockerfile, compose file, systemd units and cluster files name only what there is."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from agent.settings import Settings
from ui import expiry
from ui.http import keys, serve

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "ui" / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
APPS = {"serve": serve.app, "keys": keys.app, "expire": expiry.app}
NOT_SETTINGS = {"HEARTLINE_CONFIG"}

# Of the Compose Specification: what our services use of it.
SERVICE = {
    "build", "image", "command", "environment", "secrets", "ports", "networks", "depends_on", "restart", "profiles",
    "stop_grace_period", "init", "read_only", "tmpfs", "cap_drop", "security_opt", "deploy", "logging", "volumes",
    "healthcheck", "shm_size",
}  # fmt: skip
HEALTHCHECK = {"test", "interval", "timeout", "retries", "start_period", "disable"}


def _instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def _check_command(words: list[str]) -> None:
    """A command of `heartline` with its options."""
    name, *rest = words
    assert name in PROJECT["project"]["entry-points"]["heartline.commands"], f"{name} is no command of heartline"
    command: Any = typer.main.get_command(APPS[name])
    known = {option for each in command.params for option in each.opts}
    for word in rest:
        assert not word.startswith("--") or word in known, f"heartline {name} has no option {word}"


def _check_variable(name: str, value: str | None = None) -> None:
    if not name.startswith("HEARTLINE_") or name in NOT_SETTINGS:
        return
    setting = name.removeprefix("HEARTLINE_").lower()
    assert setting in Settings.model_fields, f"{name} is no setting"
    if value is not None:
        given: Any = json.loads(value) if value.startswith("{") else value
        Settings.model_validate({setting: given})


def test_that_the_image_is_made_of_what_there_is():
    copied = [
        word for line in _instructions("COPY") if not line.startswith("--from") for word in line.split()[:-1]
    ]
    for path in copied:
        assert (ROOT / path).exists(), path
    packed = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    named = [PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]]
    assert {*packed, *named, "pyproject.toml", "constraints.txt"} == set(copied)
    (install,) = [line for line in _instructions("RUN") if "pip install" in line]
    words = shlex.split(install)
    assert "--no-cache-dir" in words
    assert words[words.index("-c") + 1] == "constraints.txt"
    extras = re.search(r"\[(.*)\]", words[-1])
    assert extras is not None
    assert extras[1].split(",") == ["postgres"]
    assert "postgres" in PROJECT["project"]["optional-dependencies"]


def test_that_the_image_leaves_out_what_it_does_not_copy():
    left_in = {
        line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")
    }
    copied = {
        word for line in _instructions("COPY") if not line.startswith("--from") for word in line.split()[:-1]
    }
    assert left_in == copied


def test_that_the_image_runs_the_server_as_nobody_and_knows_whether_it_lives():
    supported = PROJECT["project"]["classifiers"]
    for image in _instructions("FROM"):
        version = re.match(r"python:(3\.\d+)-slim", image)
        assert version is not None
        assert f"Programming Language :: Python :: {version[1]}" in supported
    assert _instructions("USER") == ["10001"]
    assert _instructions("STOPSIGNAL") == ["SIGTERM"]
    assert json.loads(_instructions("ENTRYPOINT")[0]) == ["heartline"]
    _check_command(json.loads(_instructions("CMD")[0]))
    (health,) = _instructions("HEALTHCHECK")
    *_, code = json.loads(health[health.index("CMD ") + 4 :])
    compile(code, "HEALTHCHECK", "exec")
    assert "/healthz" in code


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_that_each_service_is_bounded_watched_and_names_what_there_is(name: str):
    service = COMPOSE["services"][name]
    assert set(service) <= SERVICE
    assert set(service.get("healthcheck", {})) <= HEALTHCHECK
    for secret in service.get("secrets", ()):
        assert secret in COMPOSE["secrets"], secret
    for network in service["networks"]:
        assert network in COMPOSE["networks"], network
    for volume in service.get("volumes", ()):
        assert volume.split(":")[0] in COMPOSE["volumes"], volume
    for other, condition in service.get("depends_on", {}).items():
        assert condition == {"condition": "service_healthy"}
        assert "healthcheck" in COMPOSE["services"][other]
    for variable, value in service.get("environment", {}).items():
        assert isinstance(value, str)
        _check_variable(variable, value)
        if value.startswith("/run/secrets/"):
            assert value.removeprefix("/run/secrets/") in service["secrets"]
    assert "memory" in service["deploy"]["resources"]["limits"]
    assert service["restart"] in {"unless-stopped", "no"}
    assert "no-new-privileges:true" in service["security_opt"]
    if service["image"].startswith("heartline:"):
        assert service["image"] == f"heartline:{PROJECT['project']['version']}"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        _check_command(service["command"])
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:"), f"{port} is open to other machines"


def test_that_the_server_is_given_the_time_that_it_takes_to_drain():
    server = COMPOSE["services"]["server"]
    drain = float(server["command"][server["command"].index("--drain-seconds") + 1])
    assert float(server["stop_grace_period"].removesuffix("s")) >= drain + 10
    unit = _unit("heartline.service")
    drain = float(shlex.split(unit["Service"]["ExecStart"][0])[-1])
    assert float(unit["Service"]["TimeoutStopSec"][0]) >= drain + 10


def _unit(name: str) -> dict[str, dict[str, list[str]]]:
    sections: dict[str, dict[str, list[str]]] = {}
    for line in (DEPLOY / "systemd" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            section.setdefault(key, []).append(value)
    return sections


@pytest.mark.parametrize("name", ["heartline.service", "heartline-expire.service"])
def test_that_the_units_run_real_commands_behind_walls(name: str):
    service = _unit(name)["Service"]
    program, *words = shlex.split(service["ExecStart"][0])
    assert program == "/opt/heartline/bin/heartline"
    _check_command(words)
    for variable in service["Environment"]:
        _check_variable(variable.partition("=")[0])
    for wall, state in {
        "DynamicUser": "yes", "ProtectSystem": "strict", "NoNewPrivileges": "yes", "ProtectHome": "yes",
        "PrivateDevices": "yes", "CapabilityBoundingSet": "", "StateDirectory": "heartline", "User": "heartline",
    }.items():  # fmt: skip
        assert service[wall] == [state], wall


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_that_systemd_takes_the_units(tmp_path: Path):
    program = tmp_path / "heartline"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for source in (DEPLOY / "systemd").iterdir():
        unit = source.read_text(encoding="utf-8").replace("/opt/heartline/bin/heartline", str(program))
        (tmp_path / source.name).write_text(unit)
    units = sorted(str(path) for path in tmp_path.glob("heartline*.*"))
    assert len(units) == 3
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["ray.yaml", "ray-llm.yaml"])
def test_that_the_cluster_files_name_the_deployments_and_nobody_reaches_them_from_outside(name: str):
    given = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    assert given["http_options"]["host"] == "127.0.0.1"  # Ray's own default is every address
    assert given["logging_config"] == {"enable_access_log": False}  # paths hold ids of conversations
    ours = next(each for each in given["applications"] if each["name"] == "heartline")
    module, _, attribute = ours["import_path"].partition(":")
    code = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert f"\n{attribute} = " in code
    assert {each["name"] for each in ours["deployments"]} == set(
        re.findall(r'^    name="(\w+)",$', code, re.MULTILINE)
    )
    with_ray = pytest.importorskip("ray.serve.schema", reason="Ray is not installed; `make test-ray` has it")
    with_ray.ServeDeploySchema.model_validate(given)
