"""Dead-letter queues: looking at what failed every time, and sending it back to be tried again."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from brainscan.domain import BrainscanError

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.type_defs import ListMessageMoveTasksResultEntryTypeDef, MessageTypeDef

BATCH = 10
VISIBILITY_S = 60
"""How long a message is hidden while it is looked at."""

LISTED = 1000
"""Most messages that are looked at together: reading them takes less than they are hidden."""

RUNNING = "RUNNING"
COMPLETED = "COMPLETED"

LOOK_S = 1.0
"""How often is looked how far SQS is with moving messages."""


class RedriveError(BrainscanError):
    """SQS stopped before every message was moved; those that are left can be redriven again."""


@dataclass(frozen=True, repr=False)
class DeadLetter:
    """A message that was given up. `body` of an upload may hold a patient's name: it is never printed."""

    message_id: str
    body: str
    sent_at: datetime
    receives: int


class DeadLetters:
    """One dead-letter queue, and the queue that its messages came from; or `again`, which has one message tried again.

    `again` answers False for a message that it cannot help, which stays.
    """

    def __init__(
        self, client: "SQSClient", url: str, source_url: str = "", again: Callable[[str], bool] | None = None
    ) -> None:
        self._client = client
        self._url = url
        self._source_url = source_url
        self._again = again or self._send_back

    def letters(self) -> list[DeadLetter]:
        """Messages that nobody else is looking at, `LISTED` at most; all stay where they are."""
        held = list(islice(self._receive_all(), LISTED))
        for message in held:
            self._release(message)
        return [_letter(message) for message in held]

    def redrive_all(self) -> int:
        """Have SQS move every message back to its queue, however many; a move that is under way is followed.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html

        Returns:
            How many were moved, about.

        Raises:
            RedriveError: SQS stopped before all were moved.
            botocore.exceptions.ClientError: SQS refused.
        """
        if not self._source_url:
            return len(self.redrive(None))
        arn = self._arn(self._url)
        if self._move(arn).get("Status") != RUNNING:
            self._client.start_message_move_task(SourceArn=arn, DestinationArn=self._arn(self._source_url))
        while (move := self._move(arn)).get("Status") == RUNNING:
            time.sleep(LOOK_S)
        if move.get("Status") != COMPLETED:
            raise RedriveError(f"SQS stopped moving messages: {move.get('FailureReason', move.get('Status'))}")
        return move.get("ApproximateNumberOfMessagesMoved", 0)

    def _move(self, arn: str) -> "ListMessageMoveTasksResultEntryTypeDef":
        """The latest move of a queue's messages; nothing in it where there was none."""
        found = self._client.list_message_move_tasks(SourceArn=arn, MaxResults=1).get("Results", [])
        return found[0] if found else {}

    def _arn(self, url: str) -> str:
        return self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def redrive(self, message_ids: Collection[str] | None) -> list[str]:
        """Send named messages back to their queue, or all.

        A message is deleted here after it was sent there: an interruption may send it twice, which changes nothing, and
        never loses it.

        Returns:
            Ids of the messages that were sent.
        """
        moved = []
        others = []
        for message in self._receive_all():
            wanted = message_ids is None or message["MessageId"] in message_ids
            if not wanted or not self._again(message["Body"]):
                others.append(message)
                continue
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            moved.append(message["MessageId"])
        for message in others:
            self._release(message)
        return moved

    def _send_back(self, body: str) -> bool:
        self._client.send_message(QueueUrl=self._source_url, MessageBody=body)
        return True

    def _receive_all(self) -> Iterator["MessageTypeDef"]:
        """Every message once, hidden from others meanwhile; at one that shows up again, all have been seen."""
        seen: set[str] = set()
        while messages := self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=BATCH,
            VisibilityTimeout=VISIBILITY_S,
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
