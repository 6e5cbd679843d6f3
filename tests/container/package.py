"""What `sam package` does, short of pushing images: code into a bucket, and its place into the template."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


def package(built: Path, s3: Any, bucket: str, parameters: Mapping[str, str]) -> str:
    """Upload every folder that `sam build` made; the template with their places in the bucket.

    Args:
        built: The folder that `sam build` filled.
        s3: A client.
        bucket: Takes the code.
        parameters: New defaults of the template's parameters.
    """
    template = yaml_parse((built / "template.yaml").read_text())
    for name, value in parameters.items():
        template["Parameters"][name]["Default"] = int(value)
    # The emulator knows no metric math; such alarms have nothing to watch there either.
    known = {name: each for name, each in template["Resources"].items() if "Metrics" not in each.get("Properties", {})}
    template["Resources"] = known
    for logical_id, resource in known.items():
        where = CODE.get(resource["Type"], "")
        if folder := resource.get("Properties", {}).get(where):
            s3.put_object(Bucket=bucket, Key=f"{logical_id}.zip", Body=zipped(built / folder))
            resource["Properties"][where] = f"s3://{bucket}/{logical_id}.zip"
        for event in resource.get("Properties", {}).get("Events", {}).values():
            _as_number(event["Properties"].get("ScalingConfig", {}), template["Parameters"])
    return json.dumps(template)


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
