import type { Sql } from './database.ts';

export type MediaRow = {
  origin: string;
  mediaId: string;
  uploaderNid: number | null;
  /** Null while an announced upload has not come, and for quarantined files whose bytes are gone. */
  objectKey: string | null;
  contentType: string | null;
  fileName: string | null;
  bytes: number | null;
  sha256: string | null;
  createdAt: number;
  expiresAt: number | null;
  lastReadAt: number;
  quarantinedAt: number | null;
  isFrozen: boolean;
  /** Nothing withholds it. */
  isProtected: boolean;
};

/** What is recorded of a file that came. */
export type NewMedia = Omit<MediaRow, 'lastReadAt' | 'quarantinedAt' | 'isProtected'> & { isPreview: boolean };
export type MediaPlace = { origin: string; mediaId: string };

export async function findMedia(sql: Sql, origin: string, mediaId: string): Promise<MediaRow | undefined> {
  const [row] = await sql<MediaRow[]>`
    select origin, media_id as "mediaId", uploader_nid as "uploaderNid", object_key as "objectKey", content_type as "contentType",
           file_name as "fileName", bytes, sha256, created_at as "createdAt", expires_at as "expiresAt", last_read_at as "lastReadAt",
           quarantined_at as "quarantinedAt", is_frozen as "isFrozen", is_protected as "isProtected"
    from   media where origin = ${origin} and media_id = ${mediaId}`;
  return row;
}

/** Records stored bytes, or an announcement. Bytes that were quarantined under another name are so here too. Returns false when the id is taken. */
export async function insertMedia(sql: Sql, row: NewMedia): Promise<boolean> {
  const rows = await sql`
    insert into media (origin, media_id, uploader_nid, object_key, content_type, file_name, bytes, sha256, created_at, expires_at,
                       last_read_at, is_frozen, is_preview, quarantined_at)
    values (${row.origin}, ${row.mediaId}, ${row.uploaderNid}, ${row.objectKey}, ${row.contentType}, ${row.fileName}, ${row.bytes},
            ${row.sha256}, ${row.createdAt}, ${row.expiresAt}, ${row.createdAt}, ${row.isFrozen}, ${row.isPreview},
            (select max(quarantined_at) from media where sha256 = ${row.sha256} and quarantined_at is not null))
    on conflict do nothing
    returning true`;
  return rows.length === 1;
}

/** Fills an announced upload that is not too late. Returns false when it was filled already, or is gone. */
export async function fillMedia(
  sql: Sql,
  row: Pick<MediaRow, 'origin' | 'mediaId' | 'objectKey' | 'contentType' | 'fileName' | 'bytes' | 'sha256'>,
): Promise<boolean> {
  const rows = await sql`
    update media set object_key = ${row.objectKey}, content_type = ${row.contentType}, file_name = ${row.fileName}, bytes = ${row.bytes},
           sha256 = ${row.sha256}, expires_at = null,
           quarantined_at = coalesce(quarantined_at, (select max(quarantined_at) from media where sha256 = ${row.sha256} and quarantined_at is not null))
    where  origin = ${row.origin} and media_id = ${row.mediaId} and object_key is null and expires_at is not null
    returning true`;
  return rows.length === 1;
}

/** How many announced uploads of a user have not come yet and still may. */
export async function countPendingMedia(sql: Sql, uploaderNid: number, now: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::bigint as count from media where uploader_nid = ${uploaderNid} and object_key is null and expires_at > ${now}`;
  return row?.count ?? 0;
}

/** Adds bytes to what a person keeps here. Returns false, and adds nothing, when that would be more than `maxBytes`. */
export async function chargeUploader(sql: Sql, userNid: number, bytes: number, maxBytes: number | undefined): Promise<boolean> {
  const max = maxBytes ?? Number.MAX_SAFE_INTEGER;
  if (bytes > max) return false;
  const rows = await sql`
    insert into media_usage (user_nid, bytes) values (${userNid}, ${bytes})
    on conflict (user_nid) do update set bytes = media_usage.bytes + excluded.bytes
    where media_usage.bytes + excluded.bytes <= ${max}
    returning true`;
  return rows.length === 1;
}

/** How many bytes a person keeps here. */
export async function loadMediaUsage(sql: Sql, userNid: number): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`select bytes from media_usage where user_nid = ${userNid}`;
  return row?.bytes ?? 0;
}

/** Notes that a file was read. */
export async function touchMedia(sql: Sql, { origin, mediaId }: MediaPlace, now: number): Promise<void> {
  await sql`update media set last_read_at = ${now} where origin = ${origin} and media_id = ${mediaId}`;
}

export type ThumbnailSize = { width: number; height: number; method: 'crop' | 'scale'; isAnimated: boolean };
export type ThumbnailRow = ThumbnailSize & { origin: string; mediaId: string; objectKey: string; contentType: string; bytes: number };

export async function findThumbnail(sql: Sql, origin: string, mediaId: string, size: ThumbnailSize): Promise<ThumbnailRow | undefined> {
  const [row] = await sql<ThumbnailRow[]>`
    select origin, media_id as "mediaId", width, height, method, is_animated as "isAnimated", object_key as "objectKey",
           content_type as "contentType", bytes
    from   media_thumbnails
    where  origin = ${origin} and media_id = ${mediaId} and width = ${size.width} and height = ${size.height}
    and    method = ${size.method} and is_animated = ${size.isAnimated}`;
  return row;
}

/** Records a drawn thumbnail. Returns false when there is one already, or when its file is gone. */
export async function insertThumbnail(sql: Sql, row: ThumbnailRow): Promise<boolean> {
  const rows = await sql`
    insert into media_thumbnails (origin, media_id, width, height, method, is_animated, object_key, content_type, bytes)
    select ${row.origin}, ${row.mediaId}, ${row.width}::integer, ${row.height}::integer, ${row.method}, ${row.isAnimated}::boolean,
           ${row.objectKey}, ${row.contentType}, ${row.bytes}::bigint
    where  exists (select from media where origin = ${row.origin} and media_id = ${row.mediaId})
    on conflict do nothing
    returning true`;
  return rows.length === 1;
}
