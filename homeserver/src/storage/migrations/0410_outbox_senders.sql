-- Who is accountable for the room that an EDU takes while it waits: the sender of a message to devices.
alter table federation_outbox add column sender text;
update federation_outbox set sender = content::json->>'sender' where edu_type = 'm.direct_to_device';
