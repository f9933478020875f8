import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { readInteger } from 'federation-spec/api/schemas/query.ts';
import { getContent, getContentThumbnail } from 'federation-spec/api/server/media.ts';
import type { Media, OpenedMedia, OpenOptions } from '../../domain/media/media.ts';
import { readWish } from '../client-api/media.ts';
import { mediaHeaders } from '../client-api/media-headers.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { type RawResponse, type Route, raw, route } from '../http/route.ts';

type Deps = { media: Media; serverName: string };

/** Our own files for other servers; never those of others. https://spec.matrix.org/latest/server-server-api/#content-repository */
export function serverMediaRoutes({ media, serverName }: Deps): Route[] {
  const optionsOf = (query: { timeout_ms?: string }, { signal }: HttpRequest): OpenOptions => ({
    isRemoteAllowed: false,
    waitMs: readInteger(query.timeout_ms),
    signal,
  });
  return [
    route(getContent, async ({ params, query, request }) => wrap(await media.open(serverName, params.mediaId, optionsOf(query, request)))),
    route(getContentThumbnail, async ({ params, query, request }) =>
      wrap(await media.thumbnail(serverName, params.mediaId, readWish(query), optionsOf(query, request))),
    ),
  ];
}

/** Two parts: metadata, of which there is none yet, and the file, or where it is. */
async function wrap(media: OpenedMedia): Promise<RawResponse> {
  const boundary = randomUUID();
  const { 'content-type': type, 'content-disposition': disposition } = mediaHeaders(media.contentType, media.fileName);
  const location = await media.link?.({ contentType: type, contentDisposition: disposition });
  const fileHeaders = location === undefined ? [`Content-Type: ${type}`, `Content-Disposition: ${disposition}`] : [`Location: ${location}`];
  const head = [`--${boundary}`, 'Content-Type: application/json', '', '{}', `--${boundary}`, ...fileHeaders, '', ''].join('\r\n');
  const tail = `\r\n--${boundary}--\r\n`;
  const headers = { 'content-type': `multipart/mixed; boundary=${boundary}` };
  if (location !== undefined) return raw({ headers, bytes: Buffer.from(head + tail) });
  const stream = await media.read();
  async function* parts(): AsyncGenerator<Buffer> {
    yield Buffer.from(head);
    yield* stream;
    yield Buffer.from(tail);
  }
  const length = Buffer.byteLength(head) + media.bytes + Buffer.byteLength(tail);
  return raw({ headers, stream: Readable.from(parts(), { objectMode: false }), length });
}
