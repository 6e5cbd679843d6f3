"""The template's buckets, queues, table and secret without its functions: the AWS of containers that SAM runs."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from pydantic import SecretStr
from samtranslator.yaml_helper import yaml_parse

from brainscan.services import Services, services_of
from brainscan.settings import Limits, Settings
from brainscan_local.paths import checkout
from brainscan_local.resources import Resources
from brainscan_local.server import HOST, MotoServer
from brainscan_local.template import REGION, FunctionSpec, Template

CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
"""Any will do: only the local endpoint sees them."""


class Backend:
    """moto with what the template describes, from `with` to its end.

    Args:
        template: template.yaml; default: the checkout's.
        host: The address to listen on: the loopback's, or a container bridge's.
    """

    def __init__(self, template: Path | None = None, host: str = HOST) -> None:
        self._template_path = template
        self._host = host

    def __enter__(self) -> Self:
        self.template = Template(self._template_path or checkout() / "template.yaml")
        self._server = MotoServer(self._host)
        try:
            self.url = self._server.url
            self.resources = Resources(self.template, self.client)
            self.resources.make_all()
        except BaseException:
            self._server.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def client(self, service: str) -> Any:
        """A low-level client of a service, such as "s3"."""
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **CREDENTIALS)  # type: ignore[call-overload]

    def name(self, logical_id: str) -> str:
        """What `!Ref` gives: a bucket's or table's name, a queue's URL."""
        return self.resources.attribute(logical_id, "Ref")

    def functions(self) -> dict[str, FunctionSpec]:
        """Every function by its name in the template."""
        return {spec.logical_id: spec for spec in self.template.functions()}

    def environment(self, function: str) -> dict[str, str]:
        """A function's variables: the template's, and where AWS is."""
        variables = self.template.resolve(self.functions()[function].environment, self.resources.attribute)
        return {name: str(value) for name, value in variables.items()} | {"AWS_ENDPOINT_URL": self.url}

    def services(self, client: Callable[[str], Any]) -> Services:
        """What the use cases work with here, over clients that the caller makes."""
        configured = Settings(
            results_bucket=self.name("ResultsBucket"),
            table_name=self.name("Scans"),
            scan_queue_url=self.name("ScanQueue"),
            upload_queue_url=self.name("UploadQueue"),
            pseudonym_secret=SecretStr("local"),
        )
        return services_of(configured, Limits(), client)

    def write_sam_files(self, build_dir: Path) -> tuple[Path, Path]:
        """Write, beside what `sam build` made, a template and an environment file for `sam local`.

        SAM hands a function only variables that its template names, and the template names no endpoint: on AWS
        there is none to name.

        Returns:
            Paths of the template and of the environment file.
        """
        template_path, variables_path = build_dir / "local.json", build_dir / "env.json"
        built = yaml_parse((build_dir / "template.yaml").read_text())
        _global_variables(built)["AWS_ENDPOINT_URL"] = ""
        template_path.write_text(json.dumps(built, indent=2))
        variables = {name: self.environment(name) for name in self.functions()}
        variables_path.write_text(json.dumps(variables, indent=2))
        return template_path, variables_path


def _global_variables(template: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = template["Globals"]["Function"]["Environment"]["Variables"]
    return found
