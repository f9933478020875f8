import { parseServerName } from './server-name.ts';

/** Where a file lies: the server that has it, and its name there. */
export type ContentUri = { serverName: string; mediaId: string };

const CONTENT_URI = /^mxc:\/\/([^/]+)\/([^/]+)$/;
const MEDIA_ID = /^[A-Za-z0-9_-]{1,255}$/;

/**
 * Parses the address of a file in the content repository, `mxc://server/id`.
 *
 * https://spec.matrix.org/latest/client-server-api/#matrix-content-mxc-uris
 */
export function parseContentUri(text: string): ContentUri | undefined {
  const [, serverName, mediaId] = CONTENT_URI.exec(text) ?? [];
  if (serverName === undefined || mediaId === undefined) return undefined;
  return parseServerName(serverName) !== undefined && isMediaId(mediaId) ? { serverName, mediaId } : undefined;
}

export function buildContentUri({ serverName, mediaId }: ContentUri): string {
  return `mxc://${serverName}/${mediaId}`;
}

/** Whether a file may have this name: anything else could lead out of a folder. https://spec.matrix.org/latest/client-server-api/#security-considerations-5 */
export function isMediaId(text: string): boolean {
  return MEDIA_ID.test(text);
}
