import type { OpenedMedia } from '../../domain/media/media.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { type RawResponse, raw } from '../http/route.ts';
import { mediaHeaders } from './media-headers.ts';

type ByteRange = NonNullable<Parameters<OpenedMedia['read']>[0]>;

/** One range, of which either end may be left out. https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2 */
const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/;

type Options = { request: HttpRequest; isRedirectAllowed: boolean };

/**
 * A file as an answer: by redirect where the store gives out addresses and the client may be sent there, else its bytes, or the one
 * range of them that was asked for; nothing when the client has them already.
 */
export async function sendMedia(media: OpenedMedia, { request, isRedirectAllowed }: Options): Promise<RawResponse> {
  const headers = mediaHeaders(media.contentType, media.fileName);
  if (isRedirectAllowed && media.link !== undefined) {
    const location = await media.link({ contentType: headers['content-type'], contentDisposition: headers['content-disposition'] });
    return raw({ status: 307, headers: { location, 'cache-control': 'no-store' } });
  }
  const etag = `"${media.version}"`;
  if (names(request.headers['if-none-match'], etag))
    return raw({ status: 304, headers: { etag, 'cache-control': headers['cache-control'] ?? 'private' } });
  const withRanges = { ...headers, etag, 'accept-ranges': 'bytes' };
  const range = isSame(request.headers['if-range'], etag) ? readRange(request.headers['range'], media.bytes) : undefined;
  if (range === 'unsatisfiable') return raw({ status: 416, headers: { 'content-range': `bytes */${media.bytes}` } });
  const stream = await media.read(range);
  if (range === undefined) return raw({ headers: withRanges, stream, length: media.bytes });
  const contentRange = `bytes ${range.first}-${range.last}/${media.bytes}`;
  return raw({ status: 206, headers: { ...withRanges, 'content-range': contentRange }, stream, length: range.last - range.first + 1 });
}

/** Whether the client has these bytes already. https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2 */
function names(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag) || known.includes('*');
}

/** Whether the part that a client has is of these bytes; else it needs all of them. https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5 */
function isSame(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || ifRange.trim() === etag;
}

/** The range to send; undefined for everything, also when what was asked for is no single range. */
function readRange(header: string | undefined, bytes: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = RANGE.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const range =
    first === ''
      ? { first: Math.max(0, bytes - Number(last)), last: bytes - 1 }
      : { first: Number(first), last: last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1) };
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  return range.first >= bytes || range.last < range.first ? 'unsatisfiable' : range;
}
