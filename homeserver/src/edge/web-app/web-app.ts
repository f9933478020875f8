import Router from '@koa/router';
import type { Context } from 'koa';
import { notFound } from '../../platform/matrix-error.ts';
import { type Asset, isAssetName } from './load-assets.ts';

const ONE_YEAR_S = 31_536_000;

export type WebAppOptions = {
  /** Called when the first page is asked for. */
  loadAssets: () => Promise<ReadonlyMap<string, Asset>>;
  /** Where the client may connect besides this origin and other homeservers, such as a call server. */
  connectTo?: readonly string[];
};

/**
 * Serves the web client. A path that is no file is one of the client's own views, and gets the page; a missing asset is missing.
 */
export function webAppPages({ loadAssets, connectTo = [] }: WebAppOptions): Router {
  const router = new Router();
  const policy = contentSecurityPolicy(connectTo);
  let loading: Promise<ReadonlyMap<string, Asset>> | undefined;
  router.get(/^\/(?!_)/, async (ctx, next) => {
    loading ??= loadAssets();
    const assets = await loading;
    if (assets.size === 0 && isView(ctx.path)) throw notFound('The web client was not built; `npm start` builds it');
    const asset = assets.get(ctx.path) ?? (isView(ctx.path) ? assets.get('/index.html') : undefined);
    if (asset === undefined) return await next();
    sendAsset(ctx, asset, policy);
  });
  return router;
}

/** A path that cannot be a file's names a view; room ids have dots too. */
function isView(path: string): boolean {
  return !path.startsWith('/.') && !path.startsWith('/assets/') && !isAssetName(path);
}

function sendAsset(ctx: Context, asset: Asset, policy: string): void {
  ctx.set('Cache-Control', asset.immutable ? `public, max-age=${ONE_YEAR_S}, immutable` : 'no-cache');
  ctx.set('Content-Security-Policy', policy);
  ctx.set('Cross-Origin-Opener-Policy', 'same-origin');
  ctx.set('ETag', asset.etag);
  ctx.set('Vary', 'Accept-Encoding');
  if (ctx.get('If-None-Match') === asset.etag) {
    ctx.status = 304;
    return;
  }
  ctx.status = 200;
  ctx.type = asset.type;
  const encoding = chooseEncoding(ctx.get('Accept-Encoding'), asset);
  if (encoding !== undefined) ctx.set('Content-Encoding', encoding);
  ctx.body = encoding === 'br' ? asset.br : encoding === 'gzip' ? asset.gzip : asset.plain;
}

function chooseEncoding(accepted: string, asset: Asset): 'br' | 'gzip' | undefined {
  const names = accepted
    .split(',')
    .map((part) => part.trim())
    .filter((part) => !/;\s*q=0(?:\.0*)?$/.test(part))
    .map((part) => part.split(';')[0]);
  if (asset.br !== undefined && names.includes('br')) return 'br';
  return asset.gzip !== undefined && names.includes('gzip') ? 'gzip' : undefined;
}

/**
 * Only our own scripts run, and WebAssembly for the crypto. The client talks to whatever homeserver its user chose, so it may connect
 * to any; media arrives as blobs that it decrypted.
 */
function contentSecurityPolicy(connectTo: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob: data:",
    "font-src 'self' data:",
    [
      "connect-src 'self' blob: data: https: wss: http://localhost:* http://127.0.0.1:* ws://localhost:* ws://127.0.0.1:*",
      ...connectTo,
    ].join(' '),
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    "frame-src 'self' blob:",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "object-src 'none'",
  ].join('; ');
}
