"""Event source mappings: from a queue and from the table's stream to a function, as Lambda runs them."""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from brainscan_local.streams import matches
from tests.chaos.faults import Plan
from tests.chaos.functions import Function, failures, number
from tests.chaos.queues import Message, Queue
from tests.chaos.simulation import Simulation
from tests.chaos.table import Change

SHARDS = 4
"""Shards of the stream of a busy table; each has `ParallelizationFactor` batches under way."""

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/scans/stream/1"

RETRY_S = (0.5, 30.0)
"""Least and longest wait before a batch of a stream is tried again."""


class QueueMapping:
    """A queue's messages in batches, so many at a time as its scaling allows.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """

    def __init__(self, simulation: Simulation, queue: Queue, function: Function, properties: Mapping[str, Any]) -> None:
        self._simulation = simulation
        self._queue = queue
        self._function = function
        self._batch = number(properties, "BatchSize", 10)
        self._window_s = float(properties.get("MaximumBatchingWindowInSeconds", 0))
        self._most = number(properties.get("ScalingConfig", {}), "MaximumConcurrency", 1000)
        self._partial = "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", [])
        self._running = 0
        self._gathering = False
        queue.on_visible = self._look

    def _look(self) -> None:
        """Take full batches at once, and others when the window has passed."""
        while self._running < self._most and len(self._queue.visible) >= self._batch:
            self._take()
        if self._queue.visible and self._running < self._most and not self._gathering:
            self._gathering = True
            self._simulation.after(self._window_s, self._gathered)

    def _gathered(self) -> None:
        self._gathering = False
        if self._queue.visible and self._running < self._most:
            self._take()
        self._look()

    def _take(self) -> None:
        messages = self._queue.receive(self._batch)
        if not messages:
            return
        self._running += 1
        event = {"Records": [_record(message, self._queue.name) for message in messages]}
        name = invocation_name(self._function.name, [f"{message.body}#{message.receives}" for message in messages])
        self._function.invoke(event, name, lambda answer, failed: self._done(messages, answer, failed))

    def _done(self, messages: Sequence[Message], answer: Any, failed: bool) -> None:
        self._running -= 1
        if not failed:
            again = failures(answer, [message.message_id for message in messages], self._partial)
            for message in messages:
                if message.message_id not in again:
                    self._queue.delete(message.receipt)
        self._look()


def identity(now: float) -> str:
    """A time as Lambda writes it."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def invocation_name(function: str, parts: Sequence[str]) -> str:
    """A name that an invocation has in every run that brings it the same."""
    return f"{function}-{blake2b('|'.join(sorted(parts)).encode(), digest_size=5).hexdigest()}"


def _record(message: Message, queue: str) -> dict[str, Any]:
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(int(message.sent * 1000)),
            "ApproximateFirstReceiveTimestamp": str(int(message.sent * 1000)),
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
        "awsRegion": "us-east-1",
    }


Record = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """Some records of a batch, how often they failed, and whether they are delivered once more without need."""

    records: list[Record]
    tries: int = 0
    repeat: bool = False


class StreamMapping:
    """Records of the table's stream that match, in lanes that each keep their order.

    A batch that fails goes on from its first failure, halved where the mapping says so, until its retries are over.
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
    """

    def __init__(
        self,
        simulation: Simulation,
        plan: Plan,
        function: Function,
        properties: Mapping[str, Any],
        dead: Queue | None,
    ) -> None:
        self.delivered = 0
        self._simulation = simulation
        self._plan = plan
        self._function = function
        self._dead = dead
        self._batch = number(properties, "BatchSize", 100)
        self._window_s = float(properties.get("MaximumBatchingWindowInSeconds", 0))
        self._retries = number(properties, "MaximumRetryAttempts", -1)
        self._oldest_s = float(properties.get("MaximumRecordAgeInSeconds", -1))
        self._bisect = bool(properties.get("BisectBatchOnFunctionError", False))
        self._partial = "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", [])
        filters = properties.get("FilterCriteria", {}).get("Filters", [])
        self._patterns = [json.loads(each["Pattern"]) for each in filters] or [{}]
        self._tumbling_s = float(properties.get("TumblingWindowInSeconds", 0))
        lanes = SHARDS * number(properties, "ParallelizationFactor", 1)
        self._lanes: list[deque[Record]] = [deque() for _ in range(lanes)]
        self._busy = [False] * lanes
        self._number = 0

    def hear(self, changes: Sequence[Change]) -> None:
        """What was written, as records of the stream; called at each commit."""
        for key, before, after in changes:
            self._number += 1
            record = self._recorded(key, before, after)
            if any(matches(record, pattern) for pattern in self._patterns):
                lane = self._plan.random("lane", key[0]).randrange(len(self._lanes))
                self._lanes[lane].append(record)
                self._begin(lane)

    def _recorded(self, key: tuple[str, str], before: Any, after: Any) -> Record:
        images = {name: image for name, image in (("OldImage", before), ("NewImage", after)) if image is not None}
        return {
            "eventID": f"e{self._number}",
            "eventName": "INSERT" if before is None else "REMOVE" if after is None else "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "eventSourceARN": ARN,
            "dynamodb": {
                "ApproximateCreationDateTime": self._simulation.now,
                "Keys": {"pk": {"S": key[0]}, "sk": {"S": key[1]}},
                "SequenceNumber": f"{self._number:021d}",
                "SizeBytes": 1000,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
                **images,
            },
        }

    def _begin(self, lane: int) -> None:
        if not self._busy[lane]:
            self._busy[lane] = True
            self._simulation.after(self._window_s, lambda: self._next(lane))

    def _next(self, lane: int) -> None:
        waiting = self._lanes[lane]
        self._busy[lane] = bool(waiting)
        if waiting:
            batch = [waiting.popleft() for _ in range(min(self._batch, len(waiting)))]
            self._work(lane, deque([Piece(batch)]))
        elif self._tumbling_s:
            last = {"Records": [], **self._window(lane, final=True)}
            name = invocation_name(self._function.name, [str(lane), str(self._number)])
            self._function.invoke(last, name, lambda *_: None)

    def _work(self, lane: int, left: deque[Piece]) -> None:
        """Go through the pieces of a batch, one after the other."""
        if not left:
            self._simulation.after(0, lambda: self._next(lane))
            return
        piece = left.popleft()
        self.delivered += len(piece.records)
        numbers = [record["dynamodb"]["SequenceNumber"] for record in piece.records]
        keys = ["/".join(value["S"] for value in record["dynamodb"]["Keys"].values()) for record in piece.records]
        name = invocation_name(self._function.name, [*keys, str(piece.tries), str(piece.repeat), numbers[0]])

        def done(answer: Any, failed: bool) -> None:
            again = set(numbers) if failed else failures(answer, numbers, self._partial)
            first = next((place for place, each in enumerate(numbers) if each in again), len(numbers))
            wait = 0.0
            if rest := piece.records[first:]:
                self._retry(replace(piece, records=rest), left)
                longest = min(RETRY_S[1], RETRY_S[0] * 2**piece.tries)
                wait = self._plan.random("retry", name).uniform(0.5, 1) * longest
            elif not piece.repeat and self._plan.random("again", name).random() < self._plan.rates.duplicates:
                left.appendleft(replace(piece, repeat=True))  # a stream, too, delivers at least once
            self._simulation.after(wait, lambda: self._work(lane, left))

        self._function.invoke({"Records": piece.records, **self._window(lane, final=False)}, name, done)

    def _window(self, lane: int, *, final: bool) -> dict[str, Any]:
        """What Lambda adds to a batch where the mapping has a tumbling window.

        https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html
        """
        if not self._tumbling_s:
            return {}
        start = self._simulation.now // self._tumbling_s * self._tumbling_s
        return {
            "window": {"start": identity(start), "end": identity(start + self._tumbling_s)},
            "state": {},
            "shardId": f"shardId-{lane:020d}-00000000",
            "eventSourceARN": ARN,
            "isFinalInvokeForWindow": final,
            "isWindowTerminatedEarly": False,
        }

    def _retry(self, failed: Piece, left: deque[Piece]) -> None:
        """What failed comes again, as what it was: a repeat is not repeated, and its tries are counted on."""
        rest = failed.records
        age = self._simulation.now - rest[0]["dynamodb"]["ApproximateCreationDateTime"]
        if 0 <= self._oldest_s < age:
            self._give_up(rest)
        elif self._bisect and len(rest) > 1:
            middle = len(rest) // 2
            left.extendleft([replace(failed, records=rest[middle:]), replace(failed, records=rest[:middle])])
        elif self._retries < 0 or failed.tries < self._retries:
            left.appendleft(replace(failed, tries=failed.tries + 1))
        else:
            self._give_up(rest)

    def _give_up(self, batch: Sequence[Record]) -> None:
        if self._dead is not None:
            told = {"DDBStreamBatchInfo": {"keys": [record["dynamodb"]["Keys"] for record in batch]}}
            self._dead.add(Message(f"d{self._number}", json.dumps(told), self._simulation.now))
