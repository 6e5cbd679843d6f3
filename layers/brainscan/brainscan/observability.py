"""The one logger, tracer and metrics of the functions, and what they may say."""

import logging
import traceback
from typing import Final

from aws_lambda_powertools import Logger, Metrics, Tracer

from brainscan.domain import BrainscanError

# At DEBUG, these quote requests, and with them the keys that senders chose.
for _library in ("aws_lambda_powertools", "boto3", "botocore", "s3transfer", "smart_open", "urllib3"):
    logging.getLogger(_library).setLevel(logging.WARNING)

logger: Final = Logger()
metrics: Final = Metrics()
tracer: Final = Tracer()


def describe(error: BaseException) -> dict[str, str]:
    """An exception as log fields: its type and place, and its text only where that is ours.

    Texts of other libraries may quote what they choked on, and with it a patient's name.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    text = str(error) if isinstance(error, BrainscanError) else ""
    return {"error": type(error).__name__, "error_text": text, "error_place": place}
