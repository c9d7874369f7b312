#!/bin/sh
# run-units.sh [-c CORPUS] TEST...: runs each unit test; prints a failing one's
# whole output; fails if any did. With -c, each test is given the files of
# CORPUS/its-name, and a test without any fails.
set -u
corpus=
if [ "${1:-}" = -c ]; then
    corpus=$2
    shift 2
fi

run() {
    [ -n "$corpus" ] || {
        "$1"
        return
    }
    set -- "$1" "$corpus/$(basename "$1")"/*
    [ -e "$2" ] || {
        echo "no seeds: $2"
        return 1
    }
    "$@"
}

failed=0
for t in "$@"; do
    if out=$(run "$t" 2>&1); then
        echo "ok   $t"
    else
        echo "$out"
        echo "FAIL $t"
        failed=$((failed + 1))
    fi
done
echo "$(($# - failed)) passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
