"""What `sam package` does, short of pushing images: code into a bucket, and its place into the template."""

import copy
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
MACHINE = "AWS::Serverless::StateMachine"
NESTED = "AWS::CloudFormation::Stack"
ROLLOUT = ("AutoPublishAlias", "AutoPublishAliasAllProperties", "DeploymentPreference")
"""What makes versions of a function and moves its alias: the emulator's SAM has neither, nor CodeDeploy."""


def package(built: Path, s3: Any, bucket: str) -> dict[str, Any]:
    """Upload every folder, definition and nested template that `sam build` made; the template with their places.

    Args:
        built: The folder that `sam build` filled.
        s3: A client.
        bucket: Takes the code.
    """
    template = _known(built / "template.yaml")
    for logical_id, resource in template["Resources"].items():
        where = CODE.get(resource["Type"], "")
        if folder := resource.get("Properties", {}).get(where):
            s3.put_object(Bucket=bucket, Key=f"{logical_id}.zip", Body=zipped(built / folder))
            resource["Properties"][where] = f"s3://{bucket}/{logical_id}.zip"
        if resource["Type"] == MACHINE:
            definition = (built / resource["Properties"]["DefinitionUri"]).read_bytes()
            s3.put_object(Bucket=bucket, Key=f"{logical_id}.json", Body=definition)
            resource["Properties"]["DefinitionUri"] = f"s3://{bucket}/{logical_id}.json"
        for name in ROLLOUT:
            resource.get("Properties", {}).pop(name, None)
        if resource["Type"] == NESTED:
            nested = json.dumps(_known(built / resource["Properties"]["TemplateURL"]))
            s3.put_object(Bucket=bucket, Key=f"{logical_id}.json", Body=nested.encode())
            resource["Properties"]["Parameters"]["AnalyzeVersion"] = "$LATEST"
            resource["Properties"]["TemplateURL"] = f"{s3.meta.endpoint_url}/{bucket}/{logical_id}.json"
    return template


def told(packaged: Mapping[str, Any], parameters: Mapping[str, str | int]) -> str:
    """A template with other defaults of its parameters."""
    template = copy.deepcopy(dict(packaged))
    for name, value in parameters.items():
        template["Parameters"][name]["Default"] = value
    for resource in template["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            _as_number(event["Properties"].get("ScalingConfig", {}), template["Parameters"])
    return json.dumps(template)


def _known(path: Path) -> dict[str, Any]:
    """A template without alarms by metric math: the emulator knows none, and they have nothing to watch there."""
    template: dict[str, Any] = yaml_parse(path.read_text())
    kept = {name: each for name, each in template["Resources"].items() if "Metrics" not in each.get("Properties", {})}
    outputs, dropped = template.get("Outputs", {}), set(template["Resources"]) - set(kept)
    told = {name: each for name, each in outputs.items() if each["Value"].get("Ref") not in dropped}
    return template | {"Resources": kept, "Outputs": told}


def _as_number(scaling: dict[str, Any], parameters: dict[str, Any]) -> None:
    """The emulator compares a parameter's text with a number here; CloudFormation turns it into one."""
    reference = scaling.get("MaximumConcurrency")
    if isinstance(reference, dict):
        scaling["MaximumConcurrency"] = parameters[reference["Ref"]]["Default"]


def zipped(folder: Path) -> bytes:
    """A folder's files as a ZIP, stored rather than compressed: it goes no further than this machine."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return out.getvalue()
