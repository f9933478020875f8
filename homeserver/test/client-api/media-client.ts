import type { TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

export type UploadOptions = { contentType?: string; fileName?: string };

/** Uploads a file as a user. */
export async function uploadMedia(
  server: TestServer,
  user: TestUser,
  bytes: Uint8Array | string,
  { contentType, fileName }: UploadOptions = {},
): Promise<Response> {
  const query = fileName === undefined ? '' : `?filename=${encodeURIComponent(fileName)}`;
  return await fetch(`${server.url}/_matrix/media/v3/upload${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${user.accessToken}`, ...(contentType === undefined ? {} : { 'content-type': contentType }) },
    body: typeof bytes === 'string' ? bytes : new Uint8Array(bytes),
  });
}

/** Uploads a file that is taken; gives its `server/id`. */
export async function placeMedia(server: TestServer, user: TestUser, bytes: Uint8Array | string, options?: UploadOptions): Promise<string> {
  const answer = await uploadMedia(server, user, bytes, options);
  if (answer.status !== 200) throw new Error(`the upload was answered ${answer.status}: ${await answer.text()}`);
  const { content_uri: uri } = (await answer.json()) as { content_uri: string };
  return uri.slice('mxc://'.length);
}

/** Asks for a file below `/_matrix/client/v1/media/`. */
export function readMedia(server: TestServer, user: TestUser, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.url}/_matrix/client/v1/media/${path}`, { headers: { ...headers, authorization: `Bearer ${user.accessToken}` } });
}
