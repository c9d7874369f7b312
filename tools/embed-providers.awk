# Turns engine/pace/providers.ini into the C tables that engine/pace/providers.c
# includes. Stops the build at a line that it does not understand.
function complain(why) {
    printf "%s:%d: %s\n", FILENAME, FNR, why >"/dev/stderr"
    failed = 1
    exit 1
}
function quote(s) {
    gsub(/\\/, "\\\\", s)
    gsub(/"/, "\\\"", s)
    return "\"" s "\""
}
function seconds(s) {
    if (s !~ /^[1-9][0-9]*[hd]$/)
        complain("a time is 12h or 3d, not " s)
    return substr(s, 1, length(s) - 1) * (s ~ /h$/ ? 3600 : 86400)
}
# With what limits.h takes, for the limits.
function schedule(s, words) {
    if (split(s, words, " ") != 2 || words[1] !~ /^[1-9][0-9]*[smhd]$/ ||
        words[2] !~ /^[1-9][0-9]*[smhd]$/)
        complain("retry = FIRST MOST, as 10m 4h")
    return "retry_first=" words[1] " retry_most=" words[2]
}
function deed(s, words) {
    if (s == "nothing")
        return "PROVIDER_NOTHING, 0"
    if (s == "slow")
        return "PROVIDER_SLOW, 0"
    if (split(s, words, " ") != 3 || words[1] != "suspend" ||
        words[2] !~ /^(site|source|campaign)$/)
        complain("then = nothing, slow, or suspend site|source|campaign TIME")
    return "PROVIDER_SUSPEND_" toupper(words[2]) ", " seconds(words[3])
}
function pattern(s) {
    if (s == "" || s != tolower(s))
        complain("a pattern is in lower case")
    if (s ~ /[\\$^]/ || s ~ /\*\*/)
        complain("no \\, $, ^ or ** in a pattern: it is no regular expression")
    return quote(s)
}
# A reply as rules see it, and the pattern as a regular expression: near enough
# to find a proof that its own rule would not take. That no other rule takes it
# is what tests/pace/test_providers.c proves.
function fires(glob, reply, i, c, expression) {
    reply = tolower(reply)
    gsub(/<[^<>]*@[^<>]*>|[^ \t<>()\[\],:;"]+@[^ \t<>()\[\],:;"]*/, "@", reply)
    gsub(/[ \t]+/, " ", reply)
    for (i = 1; i <= length(glob); i++) {
        c = substr(glob, i, 1)
        if (c == "*")
            expression = expression ".*"
        else if (c == "?")
            expression = expression "."
        else
            expression = expression (c ~ /[a-z0-9 @]/ ? c : "[" c "]")
    }
    return reply ~ ("^" expression "$")
}
function end_section() {
    if (site == "")
        return
    if (title == "" || when != "")
        complain("the section before this line is not complete")
    if (site != "*" && n_mx == mx_from)
        complain("the section before this line has no mx")
    if (retry != "")
        limits = limits (limits == "" ? "" : " ") retry
    providers[n++] = sprintf("    {%s, %s, %s, %d, %d, %d, %d},", quote(site),
        quote(title), quote(limits), mx_from, n_mx - mx_from, rules_from,
        n_rules - rules_from)
}
/^[ \t]*(#|$)/ { next }
/^\[[a-z0-9*.-]+\]$/ {
    end_section()
    site = substr($0, 2, length($0) - 2)
    if (site in seen)
        complain("a second section " site)
    seen[site] = 1
    title = limits = retry = when = then = ""
    mx_from = n_mx
    rules_from = n_rules
    next
}
!/^[a-z]+ = ./ || site == "" { complain("expected [site] or NAME = VALUE") }
{
    key = $1
    value = substr($0, length(key) + 4)
    if (key == "title") {
        title = value
    } else if (key == "limits") {
        limits = value
    } else if (key == "retry") {
        retry = schedule(value)
    } else if (key == "mx") {
        if (NF != 4 || $3 ~ /\.$/ || $4 ~ /\.$/)
            complain("mx = PATTERN EXAMPLE, without final dots")
        mx[n_mx++] = sprintf("    {%s, %s},", pattern($3), quote($4))
    } else if (key == "when") {
        if (when != "")
            complain("the rule before this line is not complete")
        when = pattern(value)
        raw = value
        if (value !~ /^[245?][0-9?][0-9?] /)
            complain("a reply's pattern starts with its code")
    } else if (key == "then") {
        if (when == "" || then != "")
            complain("then comes behind when")
        then = deed(value)
    } else if (key == "proof") {
        if (then == "")
            complain("proof comes behind then")
        if (!fires(raw, value))
            complain("the rule before this line does not match this reply")
        rules[n_rules++] = sprintf("    {%s, %s, %s},", when, then, quote(value))
        when = then = ""
    } else {
        complain("no such name: " key)
    }
}
END {
    if (failed)
        exit 1
    end_section()
    print "static const struct provider_mx mx_rows[] = {"
    for (i = 0; i < n_mx; i++)
        print mx[i]
    print "};\nstatic const struct provider_rule rule_rows[] = {"
    for (i = 0; i < n_rules; i++)
        print rules[i]
    print "};\nstatic const struct provider provider_rows[] = {"
    for (i = 0; i < n; i++)
        print providers[i]
    print "};"
}
