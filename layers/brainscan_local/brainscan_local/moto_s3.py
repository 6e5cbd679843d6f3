"""moto's S3 notifications, made to say what S3's say: which version, in which order, under which key."""

import time
from collections.abc import Callable
from functools import cache, wraps
from typing import Any
from urllib.parse import quote_plus

from moto.s3 import notifications


@cache  # once: what is patched already would be wrapped anew
def patch() -> None:
    """Complete the notifications of this process's moto.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    module: Any = notifications
    module._get_s3_event = _complete(module._get_s3_event)


def _complete(event_of: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """moto names no version and no sequencer, and encodes the slashes of a key."""

    @wraps(event_of)
    def complete(event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, Any]:
        event = event_of(event_name, bucket, key, notification_id)
        for record in event["Records"]:
            described = record["s3"]["object"]
            described |= {"key": quote_plus(key.name, safe="/"), "sequencer": f"{time.time_ns():018X}"}
            if bucket.is_versioned:
                described["versionId"] = key.version_id
        return event

    return complete
