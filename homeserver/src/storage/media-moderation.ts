import type { Sql } from './database.ts';
import type { MediaPlace } from './media.ts';

/** Withholds files, with every file of the same bytes, but for those that are protected. Returns how many were not withheld before. */
export async function quarantineMedia(sql: Sql, places: readonly MediaPlace[], now: number): Promise<number> {
  const origins = places.map((place) => place.origin);
  const mediaIds = places.map((place) => place.mediaId);
  const rows = await sql`
    with named as (
      select m.origin, m.media_id, m.sha256
      from   media m join unnest(${origins}::text[], ${mediaIds}::text[]) as d (origin, media_id) using (origin, media_id)
    )
    update media set quarantined_at = ${now}
    where  quarantined_at is null and not is_protected
    and    ((origin, media_id) in (select origin, media_id from named) or sha256 in (select sha256 from named where sha256 is not null))
    returning true`;
  return rows.length;
}

/** Gives a file back, with every file of the same bytes. */
export async function releaseMedia(sql: Sql, { origin, mediaId }: MediaPlace): Promise<void> {
  await sql`
    update media set quarantined_at = null
    where  (origin = ${origin} and media_id = ${mediaId})
    or     sha256 in (select sha256 from media where origin = ${origin} and media_id = ${mediaId} and sha256 is not null)`;
}

/** Protects a file from being withheld, or does so no more. False when there is none of that name. */
export async function updateProtection(sql: Sql, { origin, mediaId }: MediaPlace, isProtected: boolean): Promise<boolean> {
  const rows = await sql`
    update media set is_protected = ${isProtected} where origin = ${origin} and media_id = ${mediaId} returning true`;
  return rows.length > 0;
}

/** A name without bytes that stands for a file of another server, so that it is never fetched. */
export async function insertQuarantinedName(sql: Sql, { origin, mediaId }: MediaPlace, now: number): Promise<void> {
  await sql`
    insert into media (origin, media_id, created_at, last_read_at, quarantined_at) values (${origin}, ${mediaId}, ${now}, ${now}, ${now})
    on conflict do nothing`;
}

/** The addresses of files that a room's readable events name. The events are read a chunk at a time: those after `afterNid`. */
export async function listMediaUrisOfRoom(
  sql: Sql,
  roomId: string,
  afterNid: number,
  limit: number,
): Promise<{ eventNid: number; uris: string[] }[]> {
  return await sql<{ eventNid: number; uris: string[] }[]>`
    select e.event_nid as "eventNid",
           array(select distinct m[1] from regexp_matches(e.json, '"(mxc://[^"/]+/[A-Za-z0-9_-]+)"', 'g') as m) as uris
    from   events e join rooms r using (room_nid)
    where  r.room_id = ${roomId} and e.event_nid > ${afterNid} and e.kind < 2 and e.json like '%"mxc://%'
    order  by e.event_nid
    limit  ${limit}`;
}

/** The files that a person uploaded, newest first. */
export async function listMediaOfUser(
  sql: Sql,
  userNid: number,
  { from, limit }: { from: number; limit: number },
): Promise<
  {
    mediaId: string;
    contentType: string | null;
    fileName: string | null;
    bytes: number | null;
    createdAt: number;
    lastReadAt: number;
    isQuarantined: boolean;
    isProtected: boolean;
  }[]
> {
  return await sql`
    select media_id as "mediaId", content_type as "contentType", file_name as "fileName", bytes, created_at as "createdAt",
           last_read_at as "lastReadAt", quarantined_at is not null as "isQuarantined", is_protected as "isProtected"
    from   media where uploader_nid = ${userNid} and not is_preview
    order  by created_at desc, media_id
    limit  ${limit} offset ${from}`;
}

export async function countMediaOfUser(sql: Sql, userNid: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::bigint as count from media where uploader_nid = ${userNid} and not is_preview`;
  return row?.count ?? 0;
}
