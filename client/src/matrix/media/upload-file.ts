import { uploadContent } from 'federation-spec/api/client/media.ts';
import type { MatrixHttp } from '../http/matrix-http.ts';
import { ConnectionError, RequestError } from '../http/request-error.ts';
import { isJsonObject, numberIn, stringIn } from '../json.ts';
import type { UploadOptions } from './media.ts';

const UPLOAD_TIMEOUT_MS = 15 * 60_000;

type Deps = { http: MatrixHttp; XMLHttpRequest: typeof globalThis.XMLHttpRequest | undefined };

/** Uploads bytes with progress where the place can tell it. The `mxc:` address. */
export async function uploadFile({ http, XMLHttpRequest }: Deps, body: Blob, options: UploadOptions): Promise<string> {
  const query = options.fileName === undefined ? '' : `?${new URLSearchParams({ filename: options.fileName })}`;
  const path = `${uploadContent.path}${query}`;
  const contentType = body.type === '' ? 'application/octet-stream' : body.type;
  const answer =
    XMLHttpRequest === undefined || options.onProgress === undefined
      ? await uploadByFetch(http, { path, body, contentType, signal: options.signal })
      : await uploadByXhr(new XMLHttpRequest(), {
          url: `${http.baseUrl}${path}`,
          token: await http.accessToken(),
          body,
          contentType,
          options,
        });
  const address = stringIn(answer, 'content_uri');
  if (address === undefined) throw new Error('The homeserver took the file but told no address for it');
  options.onProgress?.(1);
  return address;
}

type FetchUpload = { path: string; body: Blob; contentType: string; signal: AbortSignal | undefined };

async function uploadByFetch(http: MatrixHttp, { path, body, contentType, signal }: FetchUpload): Promise<unknown> {
  const response = await http.fetchRaw({ method: 'POST', path, body, contentType, auth: true, signal, timeoutMs: UPLOAD_TIMEOUT_MS });
  return await response.json();
}

type XhrUpload = { url: string; token: string | undefined; body: Blob; contentType: string; options: UploadOptions };

function uploadByXhr(xhr: XMLHttpRequest, { url, token, body, contentType, options }: XhrUpload): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => xhr.abort();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    xhr.upload.onprogress = ({ loaded, total }) => options.onProgress?.(total === 0 ? 0 : loaded / total);
    xhr.onloadend = () => options.signal?.removeEventListener('abort', onAbort);
    xhr.onabort = () => reject(options.signal?.reason ?? new DOMException('The upload was cancelled', 'AbortError'));
    xhr.onerror = () => reject(new ConnectionError('The upload broke off'));
    xhr.ontimeout = () => reject(new ConnectionError('The upload took too long'));
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) resolve(parse(xhr.responseText));
      else reject(toError(xhr));
    };
    xhr.open('POST', url);
    xhr.timeout = UPLOAD_TIMEOUT_MS;
    xhr.setRequestHeader('Content-Type', contentType);
    if (token !== undefined) xhr.setRequestHeader('Authorization', `Bearer ${token}`);
    xhr.send(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toError(xhr: XMLHttpRequest): RequestError {
  const data = parse(xhr.responseText);
  return new RequestError({
    status: xhr.status,
    errcode: stringIn(data, 'errcode') ?? 'M_UNKNOWN',
    message: stringIn(data, 'error') ?? `The upload was refused with HTTP ${xhr.status}`,
    retryAfterMs: numberIn(data, 'retry_after_ms'),
    data: isJsonObject(data) ? data : {},
  });
}
