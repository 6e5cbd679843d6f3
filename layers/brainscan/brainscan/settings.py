"""Environment -> one typed, frozen object. Every variable is `BRAINSCAN_` plus the field's name."""

import os
from functools import cache
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

MIB = 1024**2
GIB = 1024**3

SITES = r"^([a-z0-9][a-z0-9-]{0,31}(,[a-z0-9][a-z0-9-]{0,31})*)?$"


class EnvironmentVariables(BaseModel):
    """Fields that the environment may set.

    pydantic-settings reads as much, and its imports are a tenth of the time in which a function starts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    prefix: ClassVar[str]

    @classmethod
    def read(cls) -> Self:
        """The fields as they stand in the environment, each by the prefix and its name.

        Raises:
            pydantic.ValidationError: a required variable is missing or has the wrong type; it names the field.
        """
        variables = {name: cls.prefix + name.upper() for name in cls.model_fields}
        return cls.model_validate({name: os.environ[key] for name, key in variables.items() if key in os.environ})


class Limits(EnvironmentVariables):
    """How much of anything one upload may ask for. Beyond a limit is an outcome, never a crash."""

    prefix = "BRAINSCAN_LIMIT_"

    archive_bytes: int = Field(default=64 * GIB, description="size of an uploaded archive")
    scan_bytes: int = Field(default=256 * MIB, description="size of one image file, loose or in an archive")
    pixels: int = Field(default=64 * MIB, description="rows x columns of one frame")
    frames: int = Field(default=4096, description="frames, pages or slices of one file")
    entries: int = Field(default=60_000, description="entries of one archive")
    expanded_bytes: int = Field(default=128 * GIB, description="what an archive expands to, all entries together")
    ratio: int = Field(default=200, description="expanded to compressed size of one entry over 1 MiB")
    part_files: int = Field(default=1000, description="files of an archive that one invocation expands")
    part_bytes: int = Field(default=2 * GIB, description="bytes of an archive that one invocation expands")
    nesting: int = Field(default=1, description="archives inside archives")


class Settings(EnvironmentVariables):
    """What a function is told about its surroundings."""

    prefix = "BRAINSCAN_"

    results_bucket: str
    table_name: str
    uploads_bucket: str = Field(default="", description="where the page sends files; empty: the page takes none")
    scan_queue_url: str = ""
    upload_queue_url: str = ""
    retry_queue_url: str = Field(default="", description="where scans wait that failed once: each comes back alone")
    upload_give_up_queue_url: str = Field(default="", description="where uploads go whose retries are over")
    scan_dlq_url: str = Field(default="", description="where messages of failed scans end")
    report_dlq_url: str = Field(default="", description="where series end that could not be reported")
    upload_dlq_url: str = Field(default="", description="where messages of failed uploads end")
    delivery_give_up_queue_url: str = Field(default="", description="where deliveries go whose retries are over")
    delivery_dlq_url: str = Field(default="", description="where messages of failed deliveries end")
    event_bus: str = Field(default="default", description="where reported series are announced")
    event_source: str = Field(default="brainscan", description="by which listeners know this deployment's events")
    pseudonym_secret: SecretStr | None = Field(default=None, description="the deployment secret itself; local use")
    pseudonym_secret_arn: str = Field(default="", description="where Secrets Manager keeps the deployment secret")
    stow_url: str = Field(default="", description="DICOMweb address of the PACS that gets the reports' objects")
    stow_secret_arn: str = Field(default="", description="the secret with the PACS's user name and password")
    model_dir: Path = Path("model")
    link_seconds: int = Field(default=300, description="how long links to objects hold")
    oidc_issuer: str = Field(
        default="", description="who signs readers in on the worklist page; empty: nobody needs to"
    )
    oidc_client_id: str = Field(default="", description="the page's client at the issuer; empty: no sign-in")
    retention_days: int = Field(default=0, description="time to live of table items; 0 keeps them")
    readers: int = Field(default=1, ge=1, le=2, description="how many read each case; two do so without each other")
    sites: str = Field(
        default="", pattern=SITES, description="prefixes that sites upload under, with commas between; all else is none"
    )

    @property
    def named_sites(self) -> tuple[str, ...]:
        """Sites by their prefixes, which are the first segments of uploads' keys."""
        return tuple(filter(None, self.sites.split(",")))


@cache
def settings() -> Settings:
    """The process's settings, read from the environment once.

    Raises:
        pydantic.ValidationError: a required variable is missing or has the wrong type; it names the variable.
    """
    return Settings.read()


@cache
def limits() -> Limits:
    """The process's limits, read from the environment once."""
    return Limits.read()
