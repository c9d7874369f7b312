-- The preview text of a campaign's mails: hidden at the start of the HTML.
ALTER TABLE campaign ADD preheader text;
