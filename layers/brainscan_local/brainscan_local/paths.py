"""Where the parts of a checkout lie on this machine."""

from pathlib import Path

from brainscan.domain import BrainscanError


class CheckoutError(BrainscanError):
    """brainscan is installed, but its repository is not around it."""


def checkout(start: Path | None = None) -> Path:
    """The folder that holds template.yaml: `start` (default: this file's folder) or the nearest above.

    Raises:
        CheckoutError: there is none, as in an installation outside a checkout.
    """
    start = (start or Path(__file__)).resolve()
    for folder in (start, *start.parents):
        if (folder / "template.yaml").is_file():
            return folder
    raise CheckoutError("no template.yaml here or above; run from a checkout, with `pip install --editable .`")
