"""`brainscan backend`: AWS on this machine for functions that `sam local` runs in containers."""

import threading
from pathlib import Path
from typing import Annotated

import typer

from brainscan_local.backend import Backend
from brainscan_local.server import HOST


def backend(
    uploads: Annotated[
        list[Path] | None, typer.Argument(exists=True, dir_okay=False, help="Files to put into the uploads bucket.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; containers reach their bridge's.")] = HOST,
    build_dir: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="Where `sam build` put the built template.")
    ] = Path(".aws-sam/build"),
) -> None:
    """Serve the template's buckets, queues and table until interrupted, with what `sam local` needs to reach them.

    Example: `brainscan backend scan.png --host 172.17.0.1`

    Exit codes: 0 ended by Ctrl-C; 2 wrong usage.
    """
    with Backend(host=host) as running:
        for path in uploads or []:
            running.client("s3").upload_file(str(path), running.name("UploadsBucket"), path.name)
        template, variables = running.write_sam_files(build_dir)
        typer.echo(f"endpoint {running.url}")
        typer.echo(f"uploads bucket {running.name('UploadsBucket')}, results bucket {running.name('ResultsBucket')}")
        typer.echo(f"scan queue {running.name('ScanQueue')}")
        typer.echo(f"sam local invoke Intake --template {template} --env-vars {variables} --event upload.json")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return
