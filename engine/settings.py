"""The settings of the lab: one table, read from the environment once, at the door."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from engine.errors import SettingsError

ROOT = Path(__file__).resolve().parents[1]  # of the project, or where the wheel puts it
INSTALLED = ROOT.parts[-2:] == ("glyphlab", "_lab")  # as pyproject.toml lays the wheel out
COMMAND = "glyphlab" if INSTALLED else "python -m engine"  # what a person types


def _folders(text: str) -> tuple[Path, ...]:
    return tuple(Path(part).expanduser().resolve() for part in text.split(":") if part)


def _folder(text: str) -> Path:
    return Path(text).expanduser().resolve()


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise ValueError(text)
    return number


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _switch(text: str) -> bool:
    try:
        return {
            "": False,
            "0": False,
            "no": False,
            "false": False,
            "1": True,
            "yes": True,
            "true": True,
        }[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def _hosts(text: str) -> str:
    names = [name.strip().lower().strip("[]").removesuffix(".") for name in text.split(",")]
    if any(set(name) & set("/@ ?#") for name in names):
        raise ValueError(text)
    return ",".join(name for name in names if name)


def _networks(text: str) -> str:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return ",".join(part if part == "*" else str(ip_network(part, strict=False)) for part in parts)


def _sites(text: str) -> str:
    sites = [site.strip().rstrip("/") for site in text.split(",") if site.strip()]
    if any(
        not site.startswith(("http://", "https://")) or set(site) & set("; '\"") for site in sites
    ):
        raise ValueError(text)
    return ",".join(sites)


def _resources(text: str) -> str:
    kinds = {"cpus": int, "gpus": int, "memory_gb": float, "minutes": int}
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        name, _, value = part.partition("=")
        least = 1 if name == "cpus" else 0
        if name not in kinds or not least <= kinds[name](value) < 1e6:
            raise ValueError(text)
    return ",".join(parts)


def _options(text: str) -> str:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if any(not re.fullmatch(r"[a-z][a-z-]*=[\w./:@+-]+", part) for part in parts):
        raise ValueError(text)
    return ",".join(parts)


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError(text)
    return text.rstrip("/")


@dataclass(frozen=True)
class Setting:
    """One row of the table: the variable, its default as text, how it is read, what it expects,
    what it is for.
    """

    name: str
    default: str
    parse: Callable[[str], Any]
    expects: str
    help: str

    @property
    def field(self) -> str:
        return self.name.removeprefix("GLYPHLAB_").lower()


SETTINGS: tuple[Setting, ...] = (
    Setting("GLYPHLAB_PORT", "7860", _port, "a port number, 1 to 65535", "port of the lab"),
    Setting(
        "GLYPHLAB_HOST",
        "127.0.0.1",
        str,
        "an address",
        "address the lab listens on (0.0.0.0 to serve other machines)",
    ),
    Setting(
        "GLYPHLAB_ALLOWED_HOSTS",
        "",
        _hosts,
        "host names without ports, separated by ','",
        "further names by which browsers reach the lab, such as lab.example.org (*: any)",
    ),
    Setting(
        "GLYPHLAB_TRUSTED_PROXIES",
        "",
        _networks,
        "addresses or networks separated by ','",
        "reverse proxies whose X-Forwarded headers are believed, such as 127.0.0.1",
    ),
    Setting(
        "GLYPHLAB_FRAMED_BY",
        "",
        _sites,
        "sites separated by ',', each with http:// or https://",
        "sites whose pages may show the lab in a frame",
    ),
    Setting(
        "GLYPHLAB_HOME",
        "~/.glyphlab" if INSTALLED else ".glyphlab",  # an installed lab is started anywhere
        _folder,
        "a folder",
        "where runs, caches, uploads and downloads are kept",
    ),
    Setting(
        "GLYPHLAB_DATA",
        "",
        _folders,
        "folders separated by ':'",
        "folders to look for data sets in",
    ),
    Setting(
        "GLYPHLAB_DEVICE",
        "auto",
        str,
        "auto, cpu, cuda or cuda:N, mps",
        "device to train and predict on",
    ),
    Setting(
        "GLYPHLAB_THREADS",
        "0",
        _natural,
        "a whole number, 0 for all cores",
        "CPU threads of a training run",
    ),
    Setting(
        "GLYPHLAB_EXECUTOR",
        "local",
        str,
        "local, ray or slurm",
        "where runs and background tasks are computed: this machine or a cluster",
    ),
    Setting(
        "GLYPHLAB_RAY_ADDRESS",
        "http://127.0.0.1:8265",
        _address,
        "an address with http:// or https://",
        "dashboard of the Ray cluster, for GLYPHLAB_EXECUTOR=ray",
    ),
    Setting(
        "GLYPHLAB_SLURM_OPTIONS",
        "",
        _options,
        "options of sbatch separated by ',', such as partition=gpu,account=lab",
        "further options of jobs, for GLYPHLAB_EXECUTOR=slurm",
    ),
    Setting(
        "GLYPHLAB_RESOURCES",
        "cpus=1,gpus=0,memory_gb=4,minutes=0",
        _resources,
        "some of cpus=N, gpus=N, memory_gb=N, minutes=N, separated by ','",
        "what a job asks of a cluster, unless its recipe says otherwise (minutes=0: no limit)",
    ),
    Setting(
        "GLYPHLAB_NAMES_ONLY",
        "0",
        _switch,
        "0 or 1",
        "never open a path outside the home and GLYPHLAB_DATA (what a browser starts never does)",
    ),
    Setting("GLYPHLAB_OFFLINE", "0", _switch, "0 or 1", "never download anything"),
    Setting(
        "GLYPHLAB_UPLOAD_MB",
        "500",
        _natural,
        "megabytes",
        "largest upload accepted, by the Data page and by the canvas",
    ),
    Setting(
        "GLYPHLAB_UNPACKED_MB", "20000", _natural, "megabytes", "largest size a zip may unpack to"
    ),
    Setting(
        "GLYPHLAB_MLFLOW_URI",
        "",
        str,
        "an address",
        "MLflow server that runs are mirrored to (empty: none)",
    ),
    Setting(
        "GLYPHLAB_TRACKIO",
        "",
        str,
        "a project's name",
        "Trackio project that runs are mirrored to (empty: none; needs the package trackio)",
    ),
)


@dataclass(frozen=True)
class Settings:
    """The table's values, parsed. Field names are the variables' without the prefix, in lower case."""

    port: int
    host: str
    allowed_hosts: str
    trusted_proxies: str
    framed_by: str
    home: Path
    data: tuple[Path, ...]
    device: str
    threads: int
    executor: str
    ray_address: str
    slurm_options: str
    resources: str
    names_only: bool
    offline: bool
    upload_mb: int
    unpacked_mb: int
    mlflow_uri: str
    trackio: str


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Parse the table from `environ`. Raises SettingsError for a value that can't be used."""
    values = {}
    for setting in SETTINGS:
        text = environ.get(setting.name, setting.default).strip()
        try:
            values[setting.field] = setting.parse(text)
        except ValueError:
            raise SettingsError(
                f"setting {setting.name} can't be used", expected=setting.expects, got=repr(text)
            ) from None
    return Settings(**values)
