/** Types that may be shown in place; everything else is only offered for saving. https://spec.matrix.org/latest/client-server-api/#serving-inline-content */
const INLINE_TYPES: ReadonlySet<string> = new Set([
  'text/css',
  'text/plain',
  'text/csv',
  'application/json',
  'application/ld+json',
  'image/jpeg',
  'image/gif',
  'image/png',
  'image/apng',
  'image/webp',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/ogg',
  'video/quicktime',
  'audio/mp4',
  'audio/webm',
  'audio/aac',
  'audio/mpeg',
  'audio/ogg',
  'audio/wave',
  'audio/wav',
  'audio/x-wav',
  'audio/x-pn-wav',
  'audio/flac',
  'audio/x-flac',
]);
const MEDIA_TYPE = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(?:;[ \t]*charset="?[\w-]{1,40}"?)?$/i;
const MAX_FILE_NAME = 255;

export type MediaHeaders = Record<'content-type' | 'content-disposition', string> & Record<string, string>;

/** The headers with which somebody else's file can be served without harm: never a script, never guessed at. */
export function mediaHeaders(contentType: string, fileName: string | undefined): MediaHeaders {
  const type = MEDIA_TYPE.test(contentType) ? contentType : 'application/octet-stream';
  const essence = (type.split(';')[0] ?? '').trim().toLowerCase();
  return {
    'content-type': type,
    'content-disposition': contentDisposition(INLINE_TYPES.has(essence) ? 'inline' : 'attachment', fileName),
    'content-security-policy':
      "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'cross-origin',
    'cache-control': 'private, max-age=31536000, immutable',
  };
}

/** https://www.rfc-editor.org/rfc/rfc6266: a plain name is quoted, any other is percent-encoded UTF-8. */
function contentDisposition(kind: 'inline' | 'attachment', fileName: string | undefined): string {
  if (fileName === undefined || fileName === '') return kind;
  const name = fileName.slice(0, MAX_FILE_NAME).toWellFormed();
  if (/^[A-Za-z0-9._ -]+$/.test(name)) return `${kind}; filename="${name}"`;
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  return `${kind}; filename*=utf-8''${encoded}`;
}
