#!/bin/sh
# Runs each unit test; prints a failing one's whole output; fails if any did.
failed=0
for t in "$@"; do
    if out=$("$t" 2>&1); then
        echo "ok   $t"
    else
        echo "$out"
        echo "FAIL $t"
        failed=$((failed + 1))
    fi
done
echo "$(($# - failed)) passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
