"""The use cases, in the order data flows: intake, analyze."""

from brainscan.pipeline.analyze import Answer, analyze, give_up
from brainscan.pipeline.examine import Examined, Task, examine
from brainscan.pipeline.intake import Upload, intake

__all__ = ["Answer", "Examined", "Task", "Upload", "analyze", "examine", "give_up", "intake"]
