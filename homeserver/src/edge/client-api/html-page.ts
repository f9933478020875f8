import { createHash } from 'node:crypto';
import { escapeHtml } from '../../domain/accounts/account-mails.ts';
import { type RawResponse, raw } from '../http/route.ts';

const STYLE =
  'body{font:1.1rem system-ui,sans-serif;max-width:26rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}' +
  'button,input{font:inherit;padding:.6em 1.4em}';

/** A small page that loads nothing. `html` is trusted, and so is the `script`, the only one that may run. */
export function htmlPage(status: number, title: string, html: string, script?: string): RawResponse {
  const text =
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">' +
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style><h1>${escapeHtml(title)}</h1>${html}` +
    `${script === undefined ? '' : `<script>${script}</script>`}</html>`;
  const scripts = script === undefined ? "'none'" : `'sha256-${createHash('sha256').update(script).digest('base64')}'`;
  const policy = `default-src 'none'; script-src ${scripts}; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;
  const headers = {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policy,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
  };
  return raw({ status, headers, bytes: Buffer.from(text) });
}
