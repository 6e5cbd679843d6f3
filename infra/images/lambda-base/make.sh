#!/usr/bin/env bash
# Build a local stand-in for the public Lambda Python base image: make.sh TAG RIE_BINARY CACHE_FOLDER
# Needs root, debootstrap, docker (DOCKER_HOST is honoured) and pip. Debian's root is made once and kept in the cache.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tag=$1 rie=$2 cache=$3
suite=trixie # its Python is 3.13: the wheels that image.txt and layer.txt pin for it are those of 3.12
kept="$cache/$suite-$(sha256sum "$here/make.sh" | cut -c1-16).tar"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ ! -f "$kept" ]; then
  mkdir -p "$cache"
  debootstrap --variant=minbase --include=ca-certificates,python3 "$suite" "$work/root" >"$cache/debootstrap.log" 2>&1 \
    || { tail -20 "$cache/debootstrap.log" >&2; exit 1; }
  tar --create --sort=name --directory "$work/root" --file "$kept.part" --exclude=./dev/* --exclude=./proc/* \
    --exclude=./usr/share/doc/* --exclude=./usr/share/locale/* --exclude=./usr/share/man/* \
    --exclude=./var/cache/apt/* --exclude=./var/lib/apt/lists/* .
  mv "$kept.part" "$kept"
fi

mkdir "$work/context"
cp "$here"/{Dockerfile,lambda-entrypoint.sh,bootstrap} "$work/context/"
ln "$kept" "$work/context/rootfs.tar" 2>/dev/null || cp "$kept" "$work/context/rootfs.tar"
install -m 755 "$rie" "$work/context/aws-lambda-rie"
# A machine behind a proxy that signs for others trusts it by its own certificates; builds on this base must, too.
cp /etc/ssl/certs/ca-certificates.crt "$work/context/"
python3 -m pip download --quiet --no-deps --require-hashes --only-binary :all: --dest "$work/context/wheels" \
  --implementation cp --python-version 3.13 --platform manylinux2014_x86_64 --platform manylinux_2_28_x86_64 \
  --requirement "$here/../../../requirements/base.txt"
DOCKER_BUILDKIT=0 docker build --quiet --network none --tag "$tag" "$work/context"
