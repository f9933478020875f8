import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';

/** One file of the built web client, with its compressed copies. */
export type Asset = {
  type: string;
  etag: string;
  /** Its name holds a hash of its content: it never changes. */
  immutable: boolean;
  plain: Buffer;
  br: Buffer | undefined;
  gzip: Buffer | undefined;
};

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.txt': 'text/plain; charset=utf-8',
};

/** Where Vite puts what it named by content. */
const HASHED = /^\/assets\/.+-[\w-]{8,}\.\w+$/;

/** Whether a path ends as the client's files do. */
export function isAssetName(path: string): boolean {
  return extname(path) in TYPES;
}

/**
 * Reads the built web client into memory, by URL path: about 12 MB, and no request ever touches the disk or names a path on it.
 * Returns an empty map when the client was not built.
 */
export async function loadAssets(folder: string): Promise<ReadonlyMap<string, Asset>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const assets = new Map<string, Asset>();
  for (const file of files) {
    const type = TYPES[extname(file)];
    if (type === undefined) continue; // compressed copies come with their original; anything else is not for the web
    const plain = await readFile(file);
    const path = `/${relative(folder, file).split(sep).join('/')}`;
    const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
    const compressed = async (extension: string) => (files.includes(file + extension) ? await readFile(file + extension) : undefined);
    assets.set(path, { type, etag, immutable: HASHED.test(path), plain, br: await compressed('.br'), gzip: await compressed('.gz') });
  }
  return assets;
}
