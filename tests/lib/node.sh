#!/usr/bin/env bash
# The providers' own libraries for the proof that the fake providers are honest, and judges of our requests: in
# build/node, pinned by the lock file of tests/server/fake/sdk. They want Node 20; where the system's is older, one is
# fetched beside them.
. "$(dirname "$0")/common.sh"
modules=$BUILD/node
scripts=tests/server/fake/sdk
node_major() { "$1" --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p'; }

if ! cmp -s "$scripts/package-lock.json" "$modules/package-lock.json" || [ ! -x "$modules/node" ]; then
    rm -rf "$modules"
    mkdir -p "$modules"
    cp "$scripts/package.json" "$scripts/package-lock.json" "$modules/"
    # The lock file names no registry: the one that npm is set to is asked.
    (cd "$modules" && npm ci --omit=dev --no-audit --no-fund --loglevel=error) || { rm -rf "$modules"; die "npm ci failed"; }
    node=$(command -v node)
    if [ "$(node_major "$node")" -lt 20 ]; then
        (cd "$BUILD" && npm install --prefix "$BUILD/node-runtime" --no-audit --no-fund --loglevel=error node@22)
        node=$BUILD/node-runtime/node_modules/node/bin/node
    fi
    ln -sf "$node" "$modules/node"
fi
cp -f "$scripts"/*.mjs "$scripts/tsconfig.json" "$modules/"
