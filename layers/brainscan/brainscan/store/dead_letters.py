"""Dead-letter queues: looking at what failed every time, and sending it back to be tried again."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

BATCH = 10
HIDDEN_S = 60
"""How long a message is hidden while it is looked at."""

LISTED = 1000
"""Most messages that are looked at together: reading them takes less than they are hidden."""


@dataclass(frozen=True, repr=False)
class DeadLetter:
    """A message that was given up. `body` of an upload may hold a patient's name: it is never printed."""

    message_id: str
    body: str
    sent_at: datetime
    receives: int


class DeadLetters:
    """One dead-letter queue, and the queue that its messages came from."""

    def __init__(self, client: "SQSClient", url: str, source_url: str) -> None:
        self._client = client
        self._url = url
        self._source_url = source_url

    def letters(self) -> list[DeadLetter]:
        """Messages that nobody else is looking at, `LISTED` at most; all stay where they are."""
        held = list(islice(self._take(), LISTED))
        for message in held:
            self._release(message)
        return [_letter(message) for message in held]

    def redrive(self, message_ids: Collection[str] | None = None) -> list[str]:
        """Send messages back to their queue: those named, or all that are there, however many.

        Each is sent as it is received: none is hidden for longer than that takes. A message is deleted here after it
        was sent there: an interruption may send it twice, which changes nothing, and never loses it.

        Returns:
            Ids of the messages that were sent.
        """
        moved = []
        others = []
        for message in self._take():
            if message_ids is not None and message["MessageId"] not in message_ids:
                others.append(message)
                continue
            self._client.send_message(QueueUrl=self._source_url, MessageBody=message["Body"])
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            moved.append(message["MessageId"])
        for message in others:
            self._release(message)
        return moved

    def _take(self) -> Iterator["MessageTypeDef"]:
        """Every message once, hidden from others meanwhile; at one that shows up again, all have been seen."""
        seen: set[str] = set()
        while messages := self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=BATCH,
            VisibilityTimeout=HIDDEN_S,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["All"],
        ).get("Messages", []):
            for message in messages:
                if message["MessageId"] in seen:
                    return
                seen.add(message["MessageId"])
                yield message

    def _release(self, message: "MessageTypeDef") -> None:
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )


def _letter(message: "MessageTypeDef") -> DeadLetter:
    attributes = message["Attributes"]
    return DeadLetter(
        message_id=message["MessageId"],
        body=message["Body"],
        sent_at=datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC),
        receives=int(attributes["ApproximateReceiveCount"]),
    )
