"""The settings of the lab: one table, read from the environment once, at the door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import setting_values as values
from engine.errors import SettingsError

ROOT = Path(__file__).resolve().parents[1]  # of the project, or where the wheel puts it
INSTALLED = ROOT.parts[-2:] == ("glyphlab", "_lab")  # as pyproject.toml lays the wheel out
COMMAND = "glyphlab" if INSTALLED else "python -m engine"  # what a person types


@dataclass(frozen=True)
class Setting:
    """One row of the table: the variable, its default as text, how it is read, what it expects,
    what it is for.

    on_space  its default on a Hugging Face Space, if that is another
    by_space  the variable in which a Space gives it
    secret    whether its value is shown to nobody
    """

    name: str
    default: str
    parse: Callable[[str], Any]
    expects: str
    help: str
    on_space: str | None = None
    by_space: str = ""
    secret: bool = False

    @property
    def field(self) -> str:
        return self.name.removeprefix("GLYPHLAB_").lower()


SETTINGS: tuple[Setting, ...] = (
    Setting("GLYPHLAB_PORT", "7860", values.port, "a port number, 1 to 65535", "port of the lab"),
    Setting(
        "GLYPHLAB_HOST",
        "127.0.0.1",
        str,
        "an address",
        "address the lab listens on (0.0.0.0 to serve other machines)",
    ),
    Setting(
        "GLYPHLAB_MODE",
        "own",
        values.mode,
        "own, class or public",
        "whom the lab serves: its owner, a teacher's class, or anybody (own; on a Space: public)",
        on_space="public",
    ),
    Setting(
        "GLYPHLAB_KEY",
        "",
        values.key,
        "auto, or at least 12 letters, digits and ._~-",
        "the key by which the owner or teacher enters (auto: made once, and kept in the home)",
        secret=True,
    ),
    Setting(
        "GLYPHLAB_OIDC_URL",
        "",
        values.provider,
        "an address with https://",
        "OpenID provider by which the owner or teacher signs in, such as https://huggingface.co",
        by_space="OPENID_PROVIDER_URL",
    ),
    Setting(
        "GLYPHLAB_OIDC_CLIENT",
        "",
        str,
        "a client's id",
        "the lab's client id at that provider",
        by_space="OAUTH_CLIENT_ID",
    ),
    Setting(
        "GLYPHLAB_OIDC_SECRET",
        "",
        str,
        "a client's secret",
        "the secret of that client",
        by_space="OAUTH_CLIENT_SECRET",
        secret=True,
    ),
    Setting(
        "GLYPHLAB_OWNERS",
        "",
        values.people,
        "account names, email addresses or sub:ID, separated by ',' (name:… where an account is called like an id)",
        "who leads when signed in: account names, verified addresses, sub: and an id (on a Space: its author)",
        by_space="SPACE_AUTHOR_NAME",
    ),
    Setting(
        "GLYPHLAB_ALLOWED_HOSTS",
        "",
        values.hosts,
        "host names without ports, separated by ','",
        "further names by which browsers reach the lab, such as lab.example.org (*: any)",
    ),
    Setting(
        "GLYPHLAB_TRUSTED_PROXIES",
        "",
        values.networks,
        "addresses or networks separated by ','",
        "reverse proxies whose X-Forwarded headers are trusted, such as 127.0.0.1",
    ),
    Setting(
        "GLYPHLAB_FRAMED_BY",
        "",
        values.sites,
        "sites separated by ',', each with http:// or https://",
        "sites whose pages may show the lab in a frame",
    ),
    Setting(
        "GLYPHLAB_HOME",
        "~/.glyphlab" if INSTALLED else ".glyphlab",  # an installed lab is started anywhere
        values.folder,
        "a folder",
        "where runs, caches, uploads and downloads are kept",
    ),
    Setting(
        "GLYPHLAB_DATA",
        "",
        values.folders,
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
        values.natural,
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
        values.address,
        "an address with http:// or https://",
        "dashboard of the Ray cluster, for GLYPHLAB_EXECUTOR=ray",
    ),
    Setting(
        "GLYPHLAB_SLURM_OPTIONS",
        "",
        values.options,
        "options of sbatch separated by ',', such as partition=gpu,account=lab",
        "further options of jobs, for GLYPHLAB_EXECUTOR=slurm",
    ),
    Setting(
        "GLYPHLAB_STORE",
        "",
        values.store,
        "an address such as s3://bucket/folder, gs://bucket/folder or file:///folder",
        "where runs, tasks and data are handed to jobs that do not see the home (empty: they see it)",
    ),
    Setting(
        "GLYPHLAB_NODE_HOME",
        "/tmp/glyphlab-jobs",
        values.folder,
        "a folder",
        "folder of a node in which its jobs work, with GLYPHLAB_STORE",
    ),
    Setting(
        "GLYPHLAB_RESOURCES",
        "cpus=1,gpus=0,memory_gb=4,minutes=0",
        values.resources,
        "some of cpus=N, gpus=N, memory_gb=N, minutes=N, separated by ','",
        "what a job asks of a cluster, unless its recipe says otherwise (minutes=0: no limit)",
    ),
    Setting(
        "GLYPHLAB_SWEEP_STORAGE",
        "",
        str,
        "a database URL that Optuna knows, or a journal file",
        "where new sweeps keep their trials, to share them with other labs (empty: in the home)",
        secret=True,
    ),
    Setting(
        "GLYPHLAB_NAMES_ONLY",
        "0",
        values.switch,
        "0 or 1",
        "never open a path outside the home and GLYPHLAB_DATA (what a browser starts never does)",
    ),
    Setting("GLYPHLAB_OFFLINE", "0", values.switch, "0 or 1", "never download anything"),
    Setting(
        "GLYPHLAB_UPLOAD_MB",
        "500",
        values.natural,
        "megabytes",
        "largest upload accepted, by the Data page and by the canvas",
    ),
    Setting(
        "GLYPHLAB_UNPACKED_MB",
        "20000",
        values.natural,
        "megabytes",
        "largest size a zip may unpack to",
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
    mode: str
    key: str
    oidc_url: str
    oidc_client: str
    oidc_secret: str
    owners: str
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
    store: str
    node_home: Path
    resources: str
    sweep_storage: str
    names_only: bool
    offline: bool
    upload_mb: int
    unpacked_mb: int
    mlflow_uri: str
    trackio: str


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Parse the table from `environ`. Raises SettingsError for a value that can't be used."""
    found = {}
    for setting in SETTINGS:
        default = setting.default
        if environ.get("SPACE_ID"):
            default = setting.on_space if setting.on_space is not None else default
            default = environ.get(setting.by_space, default)
        text = environ.get(setting.name, default).strip()
        got = "a text that is not shown" if setting.secret else repr(text)
        try:
            found[setting.field] = setting.parse(text)
        except ValueError:
            raise SettingsError(
                f"setting {setting.name} can't be used", expected=setting.expects, got=got
            ) from None
    return Settings(**found)
