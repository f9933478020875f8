import { fillPath } from 'federation-spec/api/build-uri.ts';
import { getConfigAuthed, getContent, getContentAuthed, getContentThumbnailAuthed } from 'federation-spec/api/client/media.ts';
import type { Endpoint } from 'federation-spec/api/endpoint.ts';
import { type ContentUri, parseContentUri } from 'federation-spec/identifiers/content-uri.ts';
import type { MatrixHttp } from '../http/matrix-http.ts';
import { RequestError } from '../http/request-error.ts';
import type { MatrixPlatform } from '../platform.ts';
import { decryptAttachment, encryptAttachment } from './encrypt-attachment.ts';
import type { Media } from './media.ts';
import type { MediaSource } from './media-source.ts';
import { uploadFile } from './upload-file.ts';

/** How much of what was downloaded stays in memory. */
const MAX_CACHED_BYTES = 64 * 1024 * 1024;
const DOWNLOAD_TIMEOUT_MS = 5 * 60_000;

type Deps = { http: MatrixHttp; platform: Pick<MatrixPlatform, 'XMLHttpRequest'> };

export function createMedia({ http, platform }: Deps): Media {
  const cache = createBlobCache(MAX_CACHED_BYTES);
  const uploader = { http, XMLHttpRequest: platform.XMLHttpRequest };

  async function fetchBlob(mxcUrl: string, signal: AbortSignal | undefined): Promise<Blob> {
    try {
      return await fetchFrom(http, getContentAuthed, mxcUrl, '', signal);
    } catch (error) {
      // Servers from before authenticated media.
      if (!(error instanceof RequestError) || error.errcode !== 'M_UNRECOGNIZED') throw error;
      return await fetchFrom(http, getContent, mxcUrl, '', signal);
    }
  }

  return {
    upload: (blob, options = {}) => uploadFile(uploader, blob, options),
    async uploadEncrypted(blob, options = {}) {
      const { ciphertext, file } = await encryptAttachment(await blob.arrayBuffer());
      // The server learns neither name nor type.
      const { fileName: _fileName, ...rest } = options;
      const url = await uploadFile(uploader, new Blob([ciphertext], { type: 'application/octet-stream' }), rest);
      return { encrypted: true, url, file: { ...file, url } };
    },
    download: (source, { mimeType, signal } = {}) =>
      cache.load(source.url, async () => {
        const blob = await fetchBlob(source.url, signal);
        return source.encrypted ? await decryptBlob(blob, source, mimeType) : blob;
      }),
    thumbnail: (mxcUrl, { widthPx, heightPx, method = 'scale', signal }) => {
      const query = `?${new URLSearchParams({ width: String(widthPx), height: String(heightPx), method })}`;
      return cache.load(`${mxcUrl}${query}`, () => fetchFrom(http, getContentThumbnailAuthed, mxcUrl, query, signal));
    },
    async maxUploadBytes() {
      const config = await http.request(getConfigAuthed, {});
      return config['m.upload.size'];
    },
  };
}

async function decryptBlob(blob: Blob, source: Extract<MediaSource, { encrypted: true }>, mimeType: string | undefined): Promise<Blob> {
  const plaintext = await decryptAttachment(await blob.arrayBuffer(), source.file);
  return new Blob([plaintext], mimeType === undefined ? {} : { type: mimeType });
}

async function fetchFrom(
  http: MatrixHttp,
  endpoint: Endpoint,
  mxcUrl: string,
  query: string,
  signal: AbortSignal | undefined,
): Promise<Blob> {
  const path = fillPath(endpoint.path, readMxc(mxcUrl)) + query;
  const response = await http.fetchRaw({ method: 'GET', path, auth: endpoint.auth !== 'none', signal, timeoutMs: DOWNLOAD_TIMEOUT_MS });
  return await response.blob();
}

/** The parts of `mxc://server/id`. Throws when it is none. */
function readMxc(mxcUrl: string): ContentUri {
  const parsed = parseContentUri(mxcUrl);
  if (parsed === undefined) throw new Error(`"${mxcUrl}" is not the address of a file`);
  return parsed;
}

/** Remembers blobs up to a number of bytes, least recently used out first; one load at a time for each. */
function createBlobCache(maxBytes: number): { load(key: string, fetchBlob: () => Promise<Blob>): Promise<Blob> } {
  const blobs = new Map<string, Blob>();
  const loading = new Map<string, Promise<Blob>>();
  let bytes = 0;

  function remember(key: string, blob: Blob): void {
    blobs.set(key, blob);
    bytes += blob.size;
    for (const [oldKey, old] of blobs) {
      if (bytes <= maxBytes) return;
      blobs.delete(oldKey);
      bytes -= old.size;
    }
  }

  return {
    load(key, fetchBlob) {
      const known = blobs.get(key);
      if (known !== undefined) {
        blobs.delete(key);
        blobs.set(key, known);
        return Promise.resolve(known);
      }
      const underway = loading.get(key);
      if (underway !== undefined) return underway;
      const started = fetchBlob()
        .then((blob) => {
          remember(key, blob);
          return blob;
        })
        .finally(() => loading.delete(key));
      loading.set(key, started);
      return started;
    },
  };
}
