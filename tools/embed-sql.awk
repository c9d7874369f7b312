# Turns "-- name: claim_batches" sections of a .sql file into C string
# constants SQL_CLAIM_BATCHES. Other comment lines are left out.
function flush_statement() {
    if (name != "")
        print "    \"\";"
}
/^-- name: / {
    flush_statement()
    name = $3
    printf "static const char SQL_%s[] __attribute__((unused)) =\n", toupper(name)
    next
}
/^[ \t]*--/ || /^[ \t]*$/ { next }
name != "" {
    gsub(/\\/, "\\\\")
    gsub(/"/, "\\\"")
    printf "    \"%s\\n\"\n", $0
}
END { flush_statement() }
