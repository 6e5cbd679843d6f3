#!/bin/sh
# As in AWS's base images: behind Lambda's own runtime API if there is one, behind the emulator otherwise.
if [ $# -ne 1 ]; then
  echo "the handler's name must be the only argument" >&2
  exit 142
fi
export _HANDLER="$1"
if [ -z "$AWS_LAMBDA_RUNTIME_API" ]; then
  exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap
fi
exec /var/runtime/bootstrap
