-- Files that go with each mail of a campaign: a list of
-- {content (base64), filename, content_type, content_id}.
ALTER TABLE campaign ADD attachments json NOT NULL DEFAULT '[]';
