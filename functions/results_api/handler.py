"""Lambda entry point: HTTP requests -> results, reviews, and the worklist page."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from brainscan.api.app import handle_request
from brainscan.observability import logger, metrics


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return handle_request(event, context)
