"""SQS: standard queues with visibility timeouts, receive counts, redrive, delays, duplicates and no order."""

# ruff: noqa: N803 - parameters have the names that AWS gave them

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.calls import Client, refusal
from tests.chaos.faults import Plan
from tests.chaos.simulation import Simulation

MOST_LATE_S = 900.0
"""How late a duplicate comes at most."""


@dataclass
class Message:
    """One message, or a duplicate of it."""

    message_id: str
    body: str
    sent: float
    attributes: dict[str, Any] = field(default_factory=dict)
    receives: int = 0
    receipt: str = ""
    deleted: bool = False
    source: str = ""


class Queue:
    """One queue. `on_visible` is called when a message can be received."""

    def __init__(
        self, simulation: Simulation, name: str, visibility_s: float, retention_s: float, delay_s: float = 0.0
    ) -> None:
        self.simulation = simulation
        self.name = name
        self.delay_s = delay_s
        self.visibility_s = visibility_s
        self.retention_s = retention_s
        self.most_receives: int | None = None
        self.dead: Queue | None = None
        self.on_visible: Callable[[], None] = lambda: None
        self.visible: list[Message] = []
        self.in_flight: dict[str, Message] = {}
        self.expired: list[Message] = []
        self.received = 0
        self._receipts = 0

    def add(self, message: Message, delay_s: float = 0.0) -> None:
        """Take a message in; it can be received after the delay."""
        if delay_s > 0:
            self.simulation.after(delay_s, lambda: self._show(message))
        else:
            self._show(message)

    def receive(self, most: int, visibility_s: float | None = None) -> list[Message]:
        """Up to so many messages, in any order; one received too often goes to the dead-letter queue instead."""
        found: list[Message] = []
        while self.visible and len(found) < most:
            place = self.simulation.random.randrange(len(self.visible))
            self.visible[place], self.visible[-1] = self.visible[-1], self.visible[place]
            message = self.visible.pop()
            if self.simulation.now - message.sent > self.retention_s:
                self.expired.append(message)
            elif self.dead is not None and self.most_receives and message.receives >= self.most_receives:
                message.receives, message.source = 0, self.name
                self.dead.add(message)
            else:
                found.append(self._hide(message, visibility_s))
        return found

    def change(self, receipt: str, visibility_s: float) -> bool:
        """Let a message in flight come back after so long from now; False if the receipt is no longer good."""
        message = self.in_flight.get(receipt)
        if message is None:
            return False
        self._return_after(message, receipt, visibility_s)
        return True

    def delete(self, receipt: str) -> None:
        """Delete what a receipt stands for, even if it has become visible again."""
        message = self.in_flight.pop(receipt, None)
        if message is not None:
            message.deleted = True
        self.visible = [each for each in self.visible if each.receipt != receipt] if message is None else self.visible

    def _show(self, message: Message) -> None:
        self.visible.append(message)
        self.on_visible()

    def _hide(self, message: Message, visibility_s: float | None) -> Message:
        self._receipts += 1
        self.received += 1
        message.receives += 1
        message.receipt = f"{self.name}-{self._receipts}"
        self.in_flight[message.receipt] = message
        self._return_after(message, message.receipt, self.visibility_s if visibility_s is None else visibility_s)
        return message

    def _return_after(self, message: Message, receipt: str, seconds: float) -> None:
        due = self.simulation.now + seconds
        message.attributes["due"] = due

        def back() -> None:
            if receipt in self.in_flight and message.attributes["due"] == due:
                del self.in_flight[receipt]
                self._show(message)

        self.simulation.after(seconds, back)


class Queues(Client):
    """`boto3.client("sqs")`; a queue's URL is its name."""

    service = "sqs"
    latency_s = (0.005, 0.020)

    def __init__(self, simulation: Simulation, plan: Plan) -> None:
        super().__init__(simulation, plan)
        self.queues: dict[str, Queue] = {}
        self.sent = 0

    def send(self, queue: str, body: str, delay_s: float = 0.0, name: str = "") -> str:
        """Take a message in; by chance twice, as standard queues may deliver."""
        self.sent += 1
        message_id = f"m{self.sent}"
        delay_s = delay_s or self.queues[queue].delay_s
        chance = self.plan.random("message", queue, name or body)
        self.queues[queue].add(Message(message_id, body, self.simulation.now), delay_s)
        if chance.random() < self.plan.rates.duplicates:
            late = chance.random() ** 4 * MOST_LATE_S
            self.queues[queue].add(Message(message_id, body, self.simulation.now), delay_s + late)
        return message_id

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0, **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""
        return self.call(
            "SendMessage", QueueUrl, lambda: {"MessageId": self.send(QueueUrl, MessageBody, float(DelaySeconds))}
        )

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[dict[str, Any]], **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html"""
        if not 0 < len(Entries) <= 10:
            raise refusal("SendMessageBatch", "TooManyEntriesInBatchRequest")

        def send(some: Sequence[dict[str, Any]]) -> dict[str, Any]:
            done = [
                {"Id": e["Id"], "MessageId": self.send(QueueUrl, e["MessageBody"], float(e.get("DelaySeconds", 0)))}
                for e in some
            ]
            refused = [{"Id": e["Id"], "Code": "InternalError", "SenderFault": False} for e in Entries[len(some) :]]
            return {"Successful": done, **({"Failed": refused} if refused else {})}

        half = Entries[: len(Entries) // 2]
        return self.call("SendMessageBatch", f"{QueueUrl} {len(Entries)}", lambda: send(Entries), lambda: send(half))

    def change_message_visibility(
        self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int, **_: Any
    ) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html"""

        def change() -> dict[str, Any]:
            if not self.queues[QueueUrl].change(ReceiptHandle, float(VisibilityTimeout)):
                raise refusal("ChangeMessageVisibility", "MessageNotInflight")
            return {}

        return self.call("ChangeMessageVisibility", f"{QueueUrl} {VisibilityTimeout} s", change)

    def change_message_visibility_batch(
        self, *, QueueUrl: str, Entries: Sequence[dict[str, Any]], **_: Any
    ) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html"""

        def change() -> dict[str, Any]:
            queue = self.queues[QueueUrl]
            held = {e["Id"]: queue.change(e["ReceiptHandle"], float(e["VisibilityTimeout"])) for e in Entries}
            failed = [{"Id": id_, "Code": "MessageNotInflight"} for id_, done in held.items() if not done]
            return {"Successful": [{"Id": id_} for id_, done in held.items() if done], "Failed": failed}

        return self.call("ChangeMessageVisibilityBatch", f"{QueueUrl} {len(Entries)}", change)

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str, **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html"""

        def delete() -> dict[str, Any]:
            self.queues[QueueUrl].delete(ReceiptHandle)
            return {}

        return self.call("DeleteMessage", QueueUrl, delete)
