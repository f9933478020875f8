import type { Readable } from 'node:stream';
import { getContent } from 'federation-spec/api/server/media.ts';
import type { HttpClient } from '../../platform/http-client/http-client.ts';
import { badGateway, notFound } from '../../platform/matrix-error.ts';
import type { FetchRemoteMedia } from '../media/media.ts';
import type { FederationClient } from './federation-client.ts';
import { FederationError } from './federation-error.ts';
import { readMultipart } from './read-multipart.ts';

/** How long a whole file may take. */
const TIMEOUT_MS = 120_000;
/** A file may be somewhere else, and that may be somewhere else again. */
const MAX_REDIRECTS = 2;

/** Fetches a file from the server it was uploaded to. https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1mediadownloadmediaid */
export function createFetchMedia({ client, http }: { client: FederationClient; http: HttpClient }): FetchRemoteMedia {
  return async function fetchMedia(origin, mediaId) {
    try {
      const answer = await client.open(
        origin,
        getContent,
        { params: { mediaId }, query: { timeout_ms: '20000' } },
        { timeoutMs: TIMEOUT_MS },
      );
      const { headers, stream } = await readMultipart(answer.headers['content-type'] ?? '', answer.body);
      const location = headers['location'];
      return location === undefined ? describe(headers, stream) : await follow(location);
    } catch (error) {
      if (error instanceof FederationError && error.status === 404) throw notFound(`${origin} has no such media.`);
      throw badGateway(`The file could not be fetched from ${origin}.`);
    }
  };

  /** The file is on another host, which is asked without our signature. */
  async function follow(location: string) {
    const answer = await http.open({ method: 'GET', url: location, timeoutMs: TIMEOUT_MS, maxRedirects: MAX_REDIRECTS });
    if (answer.status === 200) return describe(answer.headers, answer.body);
    answer.body.on('error', () => undefined).destroy();
    throw new Error(`the file's place answered ${answer.status}`);
  }
}

function describe(headers: Readonly<Record<string, string>>, stream: Readable) {
  return { stream, contentType: headers['content-type'], fileName: fileNameOf(headers['content-disposition']) };
}

/** https://www.rfc-editor.org/rfc/rfc6266 */
function fileNameOf(disposition: string | undefined): string | undefined {
  const encoded = /filename\*=utf-8''([^;]+)/i.exec(disposition ?? '')?.[1];
  if (encoded !== undefined) return decode(encoded);
  const plain = /filename=(?:"([^"]*)"|([^;]+))/i.exec(disposition ?? '');
  return plain?.[1] ?? plain?.[2]?.trim();
}

function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
