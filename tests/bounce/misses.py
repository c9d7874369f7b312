"""What is missed of the corpora, and why: (corpus, what, file) -> reason."""

ORIGINAL = ("an alias: we name the Original-Recipient, which is whom we sent "
            "to, they the address behind it")
DOCOMO = ("says only 'Unknown user'; their 'rejected' comes from knowing the "
          "carrier's filters")

MISSES = {
    ("sisimai", "recipients", "lhost-exchange2007-04.eml"): ORIGINAL,
    ("sisimai", "recipients", "lhost-postfix-77.eml"): ORIGINAL,
    ("sisimai", "recipients", "lhost-postfix-78.eml"): ORIGINAL,
    ("sisimai", "recipients", "rhost-google-03.eml"): ORIGINAL,
    ("sisimai", "kind", "lhost-amazonses-12.eml"):
        "a JSON notification of Amazon SNS, which has its own API",
    ("sisimai", "recipients", "lhost-amazonses-12.eml"):
        "a JSON notification of Amazon SNS, which has its own API",
    ("sisimai", "kind", "lhost-fml-02.eml"):
        "a mailing list's note to a non-member: it says nothing of delivery",
    ("sisimai", "recipients", "lhost-fml-02.eml"):
        "a mailing list's note to a non-member: it says nothing of delivery",
    ("sisimai", "recipients", "lhost-v5sendmail-01.eml"):
        "WRONG LABEL: the address is kijitora@example.com, theirs is cut",
    ("sisimai", "hard", "lhost-exim-31.eml"):
        "'the account or domain may not exist, they may be blacklisted': it "
        "does not know either, so nobody is suppressed",
    ("sisimai", "hard", "lhost-gmail-03.eml"):
        "'554 5.7.0 Header error' is about the message; 'filtered' is theirs",
    ("sisimai", "hard", "lhost-postfix-17.eml"):
        "status 5.4.4 and a broken zone: permanent by what the server says",
    ("sisimai", "hard", "rfc3464-35.eml"):
        "'not a registered gateway user' is an unknown user",
    ("sisimai", "hard", "rhost-facebook-03.eml"):
        "'Refused due to recipient preferences': the recipient exists",
    ("sisimai", "hard", "rhost-nttdocomo-02.eml"): DOCOMO,
    ("sisimai", "hard", "rhost-nttdocomo-03.eml"): DOCOMO,
    ("mdsbp", "is_bounce", "corpus/boxbe-cr.msg"):
        "a challenge in the form of a bounce, Action: failed: it was refused",
    ("mdsbp", "is_bounce", "corpus/boxbe-cr2.msg"):
        "a challenge in the form of a bounce, Action: failed: it was refused",
    ("mdsbp", "is_bounce", "corpus/spam-with-image.msg"):
        "WRONG LABEL: plain spam, and their own test expects no report in it",
}
