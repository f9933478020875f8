import type { Sql } from './database.ts';
import type { MediaPlace } from './media.ts';

/** Which files are to go: those that every given bound names. */
export type RemovalBounds = {
  /** Ours (true), or other servers' (false). */
  isLocal: boolean;
  serverName: string;
  /** Not read since. */
  readBefore?: number;
  uploaderNid?: number;
  /** Larger than. */
  minBytes?: number;
  isPreview?: boolean;
  /** Not those that a profile or a room shows as its picture. */
  keepProfiles?: boolean;
};

/** The end of what still holds; a literal, so that the index of current state serves. */
const STILL = '9223372036854775807';

/** The files that rooms show as their pictures now. */
const roomAvatars = (sql: Sql) => sql`
  select a.place
  from   rooms r
         join state_keys k on k.type = 'm.room.avatar' and k.state_key = ''
         join state_intervals s on s.room_nid = r.room_nid and s.key_nid = k.key_nid and s.to_pos = ${sql.unsafe(STILL)}
         join events e on e.event_nid = s.event_nid
         cross join substring(e.json from '"url":"mxc://([^"/]+/[A-Za-z0-9_-]+)"') as a (place)
  where  a.place is not null`;

/** Files of these bounds, the longest unread first. */
export async function listRemovable(sql: Sql, bounds: RemovalBounds, limit: number): Promise<(MediaPlace & { bytes: number })[]> {
  return await sql<(MediaPlace & { bytes: number })[]>`
    select origin, media_id as "mediaId", coalesce(bytes, 0) as bytes
    from   media
    where  object_key is not null
    ${bounds.isLocal ? sql`and origin = ${bounds.serverName}` : sql`and origin <> ${bounds.serverName} and uploader_nid is null`}
    ${bounds.readBefore === undefined ? sql`` : sql`and last_read_at < ${bounds.readBefore}`}
    ${bounds.uploaderNid === undefined ? sql`` : sql`and uploader_nid = ${bounds.uploaderNid}`}
    ${bounds.minBytes === undefined ? sql`` : sql`and bytes > ${bounds.minBytes}`}
    ${bounds.isPreview === undefined ? sql`` : bounds.isPreview ? sql`and is_preview` : sql`and not is_preview`}
    ${bounds.keepProfiles === true ? sql`and not exists (select from profile_fields p where p.name = 'avatar_url' and p.value = '"mxc://' || origin || '/' || media_id || '"') and origin || '/' || media_id not in (${roomAvatars(sql)})` : sql``}
    order  by last_read_at
    limit  ${limit}`;
}

/**
 * Removes files: their thumbnails go with them, their bytes are marked for collection, and their uploaders are credited. A quarantined
 * file of another server stays as a name without bytes, so that it is not fetched again.
 */
export async function removeMedia(sql: Sql, places: readonly MediaPlace[]): Promise<void> {
  const origins = places.map((place) => place.origin);
  const mediaIds = places.map((place) => place.mediaId);
  await sql`
    with doomed as (
      select m.* from media m join unnest(${origins}::text[], ${mediaIds}::text[]) as d (origin, media_id) using (origin, media_id)
      for update of m
    ), kept as (
      update media m set object_key = null from doomed d
      where  m.origin = d.origin and m.media_id = d.media_id and d.quarantined_at is not null and d.uploader_nid is null
    ), thumbnails as (
      delete from media_thumbnails t using doomed d where t.origin = d.origin and t.media_id = d.media_id returning t.object_key
    ), gone as (
      delete from media m using doomed d
      where  m.origin = d.origin and m.media_id = d.media_id and not (d.quarantined_at is not null and d.uploader_nid is null)
    ), credited as (
      update media_usage u set bytes = greatest(0, u.bytes - c.bytes)
      from   (select uploader_nid, sum(bytes) as bytes from doomed where object_key is not null group by uploader_nid) c
      where  u.user_nid = c.uploader_nid
    )
    insert into media_garbage (object_key)
    select object_key from doomed where object_key is not null union select object_key from thumbnails
    on conflict do nothing`;
}

/** Objects whose rows are gone. */
export async function listGarbage(sql: Sql, limit: number): Promise<string[]> {
  const rows = await sql<{ objectKey: string }[]>`select object_key as "objectKey" from media_garbage limit ${limit}`;
  return rows.map((row) => row.objectKey);
}

export async function forgetGarbage(sql: Sql, objectKeys: readonly string[]): Promise<void> {
  await sql`delete from media_garbage where object_key = any(${[...objectKeys]})`;
}

/** Forgets announcements that were never filled. */
export async function deleteLateAnnouncements(sql: Sql, before: number): Promise<void> {
  await sql`delete from media where object_key is null and expires_at < ${before}`;
}

/** How many bytes of other servers' files are kept. */
export async function sumRemoteBytes(sql: Sql): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select coalesce(sum(bytes), 0)::bigint as bytes from media where uploader_nid is null and not is_preview and object_key is not null`;
  return row?.bytes ?? 0;
}
