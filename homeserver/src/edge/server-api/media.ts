import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { readBoolean, readInteger } from 'federation-spec/api/schemas/query.ts';
import { getContent, getContentThumbnail } from 'federation-spec/api/server/media.ts';
import type { Media, OpenedMedia } from '../../domain/media/media.ts';
import { mediaHeaders } from '../client-api/media-headers.ts';
import { type RawResponse, type Route, raw, route } from '../http/route.ts';

type Deps = { media: Media; serverName: string };

/** Our own files for other servers; never those of others. https://spec.matrix.org/latest/server-server-api/#content-repository */
export function serverMediaRoutes({ media, serverName }: Deps): Route[] {
  return [
    route(getContent, async ({ params }) => wrap(await media.open(serverName, params.mediaId, { isRemoteAllowed: false }))),
    route(getContentThumbnail, async ({ params, query }) => {
      const wish = {
        width: readInteger(query.width) ?? 0,
        height: readInteger(query.height) ?? 0,
        method: query.method ?? 'scale',
        isAnimated: readBoolean(query.animated) ?? false,
      } as const;
      return wrap(await media.thumbnail(serverName, params.mediaId, wish, { isRemoteAllowed: false }));
    }),
  ];
}

/** Two parts: metadata, of which there is none yet, and the file. */
function wrap({ stream, bytes, contentType, fileName }: OpenedMedia): RawResponse {
  const boundary = randomUUID();
  const { 'content-type': type, 'content-disposition': disposition } = mediaHeaders(contentType, fileName);
  const head = [
    `--${boundary}`,
    'Content-Type: application/json',
    '',
    '{}',
    `--${boundary}`,
    `Content-Type: ${type}`,
    `Content-Disposition: ${disposition}`,
    '',
    '',
  ].join('\r\n');
  const tail = `\r\n--${boundary}--\r\n`;
  async function* parts(): AsyncGenerator<Buffer> {
    yield Buffer.from(head);
    yield* stream;
    yield Buffer.from(tail);
  }
  const length = Buffer.byteLength(head) + bytes + Buffer.byteLength(tail);
  return raw({
    headers: { 'content-type': `multipart/mixed; boundary=${boundary}` },
    stream: Readable.from(parts(), { objectMode: false }),
    length,
  });
}
