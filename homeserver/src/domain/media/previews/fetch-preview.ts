import type { Readable } from 'node:stream';
import { isJsonObject } from 'federation-spec/events/event.ts';
import { BlockedAddress } from '../../../platform/http-client/blocked-address.ts';
import type { HttpClient, OutboundStream } from '../../../platform/http-client/http-client.ts';
import { readBody } from '../../../platform/http-client/read-body.ts';
import type { Logger } from '../../../platform/logger.ts';
import { badGateway, forbidden, invalidParam } from '../../../platform/matrix-error.ts';
import type { Media } from '../media.ts';
import { streamOf } from '../receive-bytes.ts';
import { SNIFFED_BYTES, sniffImage } from '../sniff-image.ts';
import type { Thumbnailer } from '../thumbnailer.ts';
import { decodePage } from './decode-page.ts';
import { describePage, readPage, tidy } from './read-page.ts';

/** The whole of a preview, image and all, is there by then. */
const TIMEOUT_MS = 15_000;
const MAX_REDIRECTS = 5;
/** A page describes itself in its first megabyte; the rest is not read. */
const MAX_PAGE_BYTES = 1024 * 1024;
const MAX_OEMBED_BYTES = 64 * 1024;
const MAX_IMAGE_BYTES = 8 * 1024 * 1024;
const MAX_URL_LENGTH = 4_096;
const HTML_TYPES = /^(?:text\/html|application\/xhtml\+xml)\b/i;
const HEADERS = { 'user-agent': 'BlinkChat (bot; link previews)', accept: 'text/html, image/*;q=0.9, */*;q=0.5' };

/** OpenGraph keys, and the size of the image in bytes. */
export type Preview = Record<string, string | number>;
/** Looks at a link now. Throws M_FORBIDDEN for addresses that are not public, M_UNKNOWN (502) for links that do not answer. */
export type FetchPreview = (url: string) => Promise<Preview>;

type Deps = {
  http: HttpClient;
  keepImage: Media['keepPreviewImage'];
  thumbnailer: Pick<Thumbnailer, 'measure'>;
  logger: Logger;
  timeoutMs?: number;
};

/** The address that is looked at: http(s), without a fragment. Throws M_INVALID_PARAM. */
export function parsePreviewUrl(given: string): string {
  const url = URL.parse(given);
  if (url === null || given.length > MAX_URL_LENGTH || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw invalidParam('Only links to http: and https: addresses have previews.');
  if (url.username !== '' || url.password !== '') throw invalidParam('Links with a password in them have no previews.');
  url.hash = '';
  return url.href;
}

export function createFetchPreview({ http, keepImage, thumbnailer, logger, timeoutMs = TIMEOUT_MS }: Deps): FetchPreview {
  return async function fetchPreview(url) {
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await open(url, signal).catch((error: unknown) => {
      if (error instanceof BlockedAddress) throw forbidden('That link leads to an address that is not public.');
      logger.debug({ err: error }, 'a link was not previewed');
      throw badGateway('That link could not be opened.');
    });
    try {
      const type = answer.headers['content-type'] ?? '';
      if (/^image\//i.test(type)) return await previewImage(answer);
      if (HTML_TYPES.test(type)) return await previewPage(answer, type, signal);
      answer.body.on('error', () => undefined).destroy();
      return { 'og:title': fileNameOf(answer.url) };
    } catch (error) {
      logger.debug({ err: error }, 'a link was not previewed');
      throw badGateway('That link could not be read.');
    }
  };

  async function open(url: string, signal: AbortSignal): Promise<OutboundStream> {
    const answer = await http.open({ method: 'GET', url, headers: HEADERS, signal, timeoutMs, maxRedirects: MAX_REDIRECTS });
    if (answer.status >= 200 && answer.status < 300) return answer;
    answer.body.on('error', () => undefined).destroy();
    throw new Error(`${url} answered ${answer.status}`);
  }

  async function previewPage(answer: OutboundStream, type: string, signal: AbortSignal): Promise<Preview> {
    const page = readPage(decodePage(await readStart(answer.body, MAX_PAGE_BYTES), type));
    const base = URL.parse(page.baseHref ?? '', answer.url)?.href ?? answer.url;
    const described = describePage(page);
    if (page.oEmbedHref !== undefined && !(described.has('og:title') && described.has('og:image')))
      await fillFromOEmbed(described, page.oEmbedHref, base, signal);
    const named = described.get('og:image');
    const imageUrl = named === undefined ? undefined : URL.parse(named, base)?.href;
    for (const name of described.keys()) if (/^og:image(?::|$)/.test(name)) described.delete(name);
    return { ...Object.fromEntries(described), ...(await fetchImage(imageUrl, signal)) };
  }

  /** https://oembed.com/ */
  async function fillFromOEmbed(described: Map<string, string>, href: string, base: string, signal: AbortSignal): Promise<void> {
    try {
      const answer = await open(new URL(href, base).href, signal);
      const found: unknown = JSON.parse(new TextDecoder().decode(await readBody(answer.body, MAX_OEMBED_BYTES)));
      if (!isJsonObject(found)) return;
      const fill = (name: string, value: unknown): void => {
        if (typeof value === 'string' && tidy(value) !== '' && !described.has(name)) described.set(name, tidy(value));
      };
      fill('og:title', found['title']);
      fill('og:site_name', found['provider_name']);
      fill('og:image', found['type'] === 'photo' ? found['url'] : undefined);
      fill('og:image', found['thumbnail_url']);
    } catch (error) {
      logger.debug({ err: error }, 'a link’s oEmbed description was not read');
    }
  }

  /** A page is described without its image when that cannot be had. */
  async function fetchImage(url: string | undefined, signal: AbortSignal): Promise<Preview> {
    if (url === undefined || !/^https?:/.test(url)) return {};
    try {
      return await keep(await open(url, signal));
    } catch (error) {
      logger.debug({ err: error }, 'the image of a link was not fetched');
      return {};
    }
  }

  async function previewImage(answer: OutboundStream): Promise<Preview> {
    return { 'og:title': fileNameOf(answer.url), ...(await keep(answer)) };
  }

  /** Keeps an image in the media repository. Only what may reach the decoder is an image here. */
  async function keep(answer: OutboundStream): Promise<Preview> {
    const bytes = await readBody(answer.body, MAX_IMAGE_BYTES);
    const type = sniffImage(bytes.subarray(0, SNIFFED_BYTES));
    if (type === undefined) return {};
    const { width, height } = await thumbnailer.measure(bytes);
    const fileName = fileNameOf(answer.url);
    const { uri } = await keepImage(streamOf(bytes), { contentType: type, fileName, length: bytes.length }, MAX_IMAGE_BYTES);
    return {
      'og:image': uri,
      'og:image:type': type,
      'og:image:width': width,
      'og:image:height': height,
      'matrix:image:size': bytes.length,
    };
  }
}

/** The first bytes of a body; the rest, however long, is not read. */
async function readStart(body: Readable, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= maxBytes) break;
  }
  return new Uint8Array(Buffer.concat(chunks)).subarray(0, maxBytes);
}

/** The last part of an address' path, as a file would be called; its host when there is none. */
function fileNameOf(address: string): string {
  const url = new URL(address);
  const last = url.pathname.split('/').at(-1) ?? '';
  try {
    return tidy(decodeURIComponent(last)) || url.host;
  } catch {
    return tidy(last) || url.host;
  }
}
