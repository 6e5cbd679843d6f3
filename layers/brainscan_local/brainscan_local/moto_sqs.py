"""moto's SQS, made quick enough for queues of many thousands.

moto goes through a whole queue several times for each message that it takes, gives or deletes: to count the messages,
to list those that may be received, and to write the list anew.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from moto.core.utils import unix_time
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue, SQSBackend

_COUNTS = ("", "_delayed", "_not_visible")


@cache  # once: what is patched already would be wrapped anew
def patch() -> None:
    """Make what this process's moto does with one message independent of how many others wait."""
    queue: Any = Queue
    queue.messages = property(_Receivable)
    for name in _COUNTS:
        attribute = f"approximate_number_of_messages{name}"
        setattr(queue, attribute, property(_later(getattr(queue, attribute).fget)))
    queue.delete_message = _delete_message
    backend: Any = SQSBackend
    backend.is_message_valid_based_on_retention_period = _is_retained


class _Receivable:
    """The messages of a queue that may be received now, found one by one: a receive ends after the first few."""

    def __init__(self, queue: Queue) -> None:
        self._messages = queue._messages

    def __iter__(self) -> Iterator[Message]:
        return (message for message in self._messages if message.visible and not message.delayed)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return any(True for _ in self)


class _Later:
    """A count that is made when it is written: moto asks for all of a queue's attributes to look at one."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count

    def __str__(self) -> str:
        return str(self._count())


def _later(count: Callable[[Any], int]) -> Callable[[Any], _Later]:
    return lambda queue: _Later(lambda: count(queue))


def _delete_message(self: Queue, receipt_handle: str) -> None:
    """Delete the message that has had a handle; those in flight are the first ones of the queue."""
    if receipt_handle in self.deleted_messages:
        return
    with self._messages_lock:
        messages = self._messages
        place = next((place for place, each in enumerate(messages) if each.had_receipt_handle(receipt_handle)), None)
        if place is None:
            raise ReceiptHandleIsInvalid()
        # A new list: others may be going through this one.
        self._messages = messages[:place] + messages[place + 1 :]
    self.pending_messages.discard(messages[place])
    self.deleted_messages.update(filter(None, messages[place].all_receipt_handles))


def _is_retained(self: SQSBackend, queue_name: str, message: Message) -> bool:
    """Whether a message is younger than its queue keeps messages."""
    queue: Any = self.get_queue(queue_name)
    sent_ms: Any = message.sent_timestamp
    return bool(queue.message_retention_period + sent_ms / 1000 > unix_time())
