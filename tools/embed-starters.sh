#!/bin/sh
# Prints a C table of the starter templates that have sample data: name, HTML
# and data as byte arrays.
set -eu
dir=$1
bytes() {
    printf 'static const char starter_%s_%s[] = {\n' "$1" "$2"
    od -An -v -tu1 "$3" | sed 's/[ ]*\([0-9][0-9]*\)/(char)\1,/g'
    printf '0};\n'
}
for f in "$dir"/*.json; do
    name=$(basename "$f" .json)
    bytes "$(echo "$name" | tr - _)" data "$f"
    bytes "$(echo "$name" | tr - _)" html "$dir/$name.html"
done
printf 'static const struct starter starters[] = {\n'
for f in "$dir"/*.json; do
    name=$(basename "$f" .json)
    id=$(echo "$name" | tr - _)
    printf '    {"%s", starter_%s_html, starter_%s_data},\n' \
        "$name" "$id" "$id"
done
printf '};\n'
