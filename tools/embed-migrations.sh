#!/bin/sh
# Prints a C table of the migrations: number, name, text as a byte array.
set -eu
dir=$1
for f in "$dir"/[0-9][0-9][0-9][0-9]_*.sql; do
    base=$(basename "$f" .sql)
    printf 'static const char migration_text_%s[] = {\n' "${base%%_*}"
    od -An -v -tu1 "$f" | sed 's/[ ]*\([0-9][0-9]*\)/\1,/g'
    printf '0};\n'
done
printf 'static const struct migration migrations[] = {\n'
for f in "$dir"/[0-9][0-9][0-9][0-9]_*.sql; do
    base=$(basename "$f" .sql)
    number=${base%%_*}
    printf '    {%d, "%s", migration_text_%s},\n' \
        "$(echo "$number" | sed 's/^0*//')" "${base#*_}" "$number"
done
printf '};\n'
