-- What the sender wants to find again with a campaign; no mail shows it.
ALTER TABLE campaign ADD COLUMN metadata json NOT NULL DEFAULT '{}';
