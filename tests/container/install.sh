#!/usr/bin/env bash
# What the container tests need of Debian; elsewhere, and without root, they say themselves why they skip.
set -euo pipefail
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0
for tool in dockerd docker-proxy debootstrap ip; do
  command -v "$tool" >/dev/null || missing=1
done
[ "${missing:-}" ] || exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends \
  ca-certificates docker.io debootstrap iproute2 >/dev/null
