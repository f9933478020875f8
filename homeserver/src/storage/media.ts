import type { Sql } from './database.ts';

export type MediaRow = {
  origin: string;
  mediaId: string;
  uploaderNid: number | null;
  /** Null while an announced upload has not come. */
  objectKey: string | null;
  contentType: string | null;
  fileName: string | null;
  bytes: number | null;
  sha256: string | null;
  createdAt: number;
  expiresAt: number | null;
};

export async function findMedia(sql: Sql, origin: string, mediaId: string): Promise<MediaRow | undefined> {
  const [row] = await sql<MediaRow[]>`
    select origin, media_id as "mediaId", uploader_nid as "uploaderNid", object_key as "objectKey", content_type as "contentType",
           file_name as "fileName", bytes, sha256, created_at as "createdAt", expires_at as "expiresAt"
    from   media where origin = ${origin} and media_id = ${mediaId}`;
  return row;
}

/** Records stored bytes. Returns false when the id is taken. */
export async function insertMedia(sql: Sql, row: MediaRow): Promise<boolean> {
  const rows = await sql`
    insert into media (origin, media_id, uploader_nid, object_key, content_type, file_name, bytes, sha256, created_at, expires_at, last_read_at)
    values (${row.origin}, ${row.mediaId}, ${row.uploaderNid}, ${row.objectKey}, ${row.contentType}, ${row.fileName}, ${row.bytes},
            ${row.sha256}, ${row.createdAt}, ${row.expiresAt}, ${row.createdAt})
    on conflict do nothing
    returning true`;
  return rows.length === 1;
}

/** Fills an announced upload. Returns false when it was filled already. */
export async function fillMedia(
  sql: Sql,
  row: Pick<MediaRow, 'origin' | 'mediaId' | 'objectKey' | 'contentType' | 'fileName' | 'bytes' | 'sha256'>,
): Promise<boolean> {
  const rows = await sql`
    update media set object_key = ${row.objectKey}, content_type = ${row.contentType}, file_name = ${row.fileName}, bytes = ${row.bytes},
           sha256 = ${row.sha256}, expires_at = null
    where  origin = ${row.origin} and media_id = ${row.mediaId} and object_key is null
    returning true`;
  return rows.length === 1;
}

/** How many announced uploads of a user have not come yet and still may. */
export async function countPendingMedia(sql: Sql, uploaderNid: number, now: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::bigint as count from media where uploader_nid = ${uploaderNid} and object_key is null and expires_at > ${now}`;
  return row?.count ?? 0;
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

export async function insertThumbnail(sql: Sql, row: ThumbnailRow): Promise<void> {
  await sql`
    insert into media_thumbnails (origin, media_id, width, height, method, is_animated, object_key, content_type, bytes)
    values (${row.origin}, ${row.mediaId}, ${row.width}, ${row.height}, ${row.method}, ${row.isAnimated}, ${row.objectKey},
            ${row.contentType}, ${row.bytes})
    on conflict do nothing`;
}
