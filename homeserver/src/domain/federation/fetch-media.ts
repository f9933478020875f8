import type { Readable } from 'node:stream';
import { getContent as getLegacyContent } from 'federation-spec/api/client/media.ts';
import { getContent, getContentThumbnail } from 'federation-spec/api/server/media.ts';
import type { HttpClient, OutboundStream } from '../../platform/http-client/http-client.ts';
import { badGateway, matrixError, notFound } from '../../platform/matrix-error.ts';
import type { FetchRemoteMedia, FetchRemoteThumbnail } from '../media/media.ts';
import type { FederationClient } from './federation-client.ts';
import { FederationError } from './federation-error.ts';
import { readMultipart } from './read-multipart.ts';

/** How long a whole file may take. */
const TIMEOUT_MS = 120_000;
/** How long the other server may wait for a file that was announced there. */
const WAIT_MS = '20000';
/** A file may be somewhere else, and that may be somewhere else again. */
const MAX_REDIRECTS = 2;

type Fetched = Awaited<ReturnType<FetchRemoteMedia>>;

/**
 * Fetches a file, or the thumbnail that is made of it there, from the server it was uploaded to.
 * https://spec.matrix.org/latest/server-server-api/#content-repository
 */
export function createFetchMedia({ client, http }: { client: FederationClient; http: HttpClient }): {
  fetchRemote: FetchRemoteMedia;
  fetchRemoteThumbnail: FetchRemoteThumbnail;
} {
  const options = { timeoutMs: TIMEOUT_MS, urgency: 'person' } as const;

  return {
    async fetchRemote(origin, mediaId) {
      try {
        const input = { params: { mediaId }, query: { timeout_ms: WAIT_MS } };
        return await readAnswer(await client.open(origin, getContent, input, options));
      } catch (error) {
        if (isUnknownPath(error)) return await fetchLegacy(origin, mediaId);
        throw refusalOf(error, origin);
      }
    },
    async fetchRemoteThumbnail(origin, mediaId, { width, height, method, isAnimated }) {
      const query = { width: String(width), height: String(height), method, animated: String(isAnimated) };
      try {
        return (await readAnswer(await client.open(origin, getContentThumbnail, { params: { mediaId }, query }, options))).stream;
      } catch (error) {
        throw refusalOf(error, origin);
      }
    },
  };

  async function readAnswer(answer: OutboundStream): Promise<Fetched> {
    const { headers, stream } = await readMultipart(answer.headers['content-type'] ?? '', answer.body);
    const location = headers['location'];
    if (location === undefined) return describe(headers, stream);
    stream.on('error', () => undefined).destroy();
    return await follow(location);
  }

  /** Servers from before files asked for a token have them at the path that clients used. */
  async function fetchLegacy(origin: string, mediaId: string): Promise<Fetched> {
    try {
      const input = {
        params: { serverName: origin, mediaId },
        query: { allow_remote: 'false', allow_redirect: 'true', timeout_ms: WAIT_MS },
      };
      const answer = await client.open(origin, getLegacyContent, input, {
        timeoutMs: TIMEOUT_MS,
        maxRedirects: MAX_REDIRECTS,
        urgency: 'person',
      });
      return describe(answer.headers, answer.body);
    } catch (error) {
      throw refusalOf(error, origin);
    }
  }

  /** The file is on another host, which is asked without our signature. */
  async function follow(location: string): Promise<Fetched> {
    const answer: OutboundStream = await http.open({ method: 'GET', url: location, timeoutMs: TIMEOUT_MS, maxRedirects: MAX_REDIRECTS });
    if (answer.status === 200) return describe(answer.headers, answer.body);
    answer.body.on('error', () => undefined).destroy();
    throw new Error(`the file's place answered ${answer.status}`);
  }
}

/** A server that does not know the path says so by M_UNRECOGNIZED (older ones with the status 400), or by no errcode at all. */
function isUnknownPath(error: unknown): boolean {
  if (!(error instanceof FederationError)) return false;
  const { status, errcode } = error;
  if (errcode === 'M_UNRECOGNIZED') return status === 400 || status === 404 || status === 405;
  return errcode === undefined && (status === 404 || status === 405);
}

function refusalOf(error: unknown, origin: string): Error {
  if (error instanceof FederationError && error.status === 404) return notFound(`${origin} has no such media.`);
  if (error instanceof FederationError && error.errcode === 'M_NOT_YET_UPLOADED')
    return matrixError(504, 'M_NOT_YET_UPLOADED', `The file has not been uploaded to ${origin} yet.`);
  return badGateway(`The file could not be fetched from ${origin}.`);
}

function describe(headers: Readonly<Record<string, string>>, stream: Readable): Fetched {
  return { stream, contentType: headers['content-type'], fileName: fileNameOf(headers['content-disposition']) };
}

/** https://www.rfc-editor.org/rfc/rfc6266 */
function fileNameOf(disposition: string | undefined): string | undefined {
  const encoded = /filename\*=utf-8''([^;]+)/i.exec(disposition ?? '')?.[1];
  if (encoded !== undefined) return decode(encoded);
  const plain = /filename=(?:"((?:[^"\\]|\\.)*)"|([^;]+))/i.exec(disposition ?? '');
  return plain?.[1]?.replace(/\\(.)/g, '$1') ?? plain?.[2]?.trim();
}

function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
