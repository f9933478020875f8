import { createHash } from 'node:crypto';
import { type RawResponse, raw } from '../http/route.ts';
import { type Html, html } from './html.ts';

const STYLE = `
:root{color-scheme:light dark;--ink:#1b1d22;--soft:#5c6270;--paper:#fff;--ground:#eef0f4;--line:#c9ced8;--accent:#3b4cca;--on-accent:#fff;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#eceef2;--soft:#a4abb8;--paper:#20232a;--ground:#14161a;--line:#454b57;--accent:#97a4ff;--on-accent:#14161a;--bad:#ff9d94}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem 1rem;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:26rem;background:var(--paper);border-radius:1rem;padding:2rem;box-shadow:0 .5rem 2rem #0002}
main.wide{max-width:40rem}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:1.05rem;margin:1.75rem 0 .5rem}
p{margin:0 0 1rem}
small,.soft{color:var(--soft)}
strong,code{overflow-wrap:anywhere}
label{display:block;margin:0 0 1rem;font-weight:600}
label input{display:block;margin-top:.25rem}
label.check{font-weight:400}
label.check input{display:inline;width:auto;margin-right:.5rem}
input,button,.button{font:inherit;width:100%;padding:.65rem .8rem;border-radius:.5rem;border:1px solid var(--line);background:transparent;color:inherit}
button,.button{cursor:pointer;font-weight:600;text-align:center;display:block;text-decoration:none;margin:0 0 .75rem}
button.main{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
button.bad{border-color:var(--bad);color:var(--bad)}
button.plain{border:0;width:auto;padding:0;margin:0;display:inline;text-decoration:underline;color:var(--accent)}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
[role=alert]{border-left:4px solid var(--bad);padding:.5rem .8rem;background:#b3261e14}
[role=status]{border-left:4px solid var(--accent);padding:.5rem .8rem;background:#3b4cca14}
ul{list-style:none;margin:0 0 1rem;padding:0}
li{border-top:1px solid var(--line);padding:.75rem 0}
img{border-radius:50%;object-fit:cover;display:block}
details{margin:.5rem 0}
summary{cursor:pointer;color:var(--accent)}
nav{display:flex;gap:1rem;flex-wrap:wrap;margin:0 0 1.25rem}
nav [aria-current]{font-weight:600;color:inherit;text-decoration:none}
`;
/** https://developers.google.com/recaptcha/docs/faq#im-using-content-security-policy-csp-on-my-website.-how-can-i-configure-it-to-work-with-recaptcha */
const CAPTCHA_SOURCES = 'https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/';
const CAPTCHA_SCRIPT = 'https://www.google.com/recaptcha/api.js';
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

export type Page = {
  status?: number;
  title: string;
  body: Html;
  /** The one script that may run. */
  script?: string | undefined;
  /** Whether the page has a captcha, whose script comes from elsewhere. */
  captcha?: boolean;
  /** Other places that this page's forms may end up at, as sources of a content security policy. */
  formTargets?: readonly string[];
  /** Values of `Set-Cookie`. */
  cookies?: readonly string[];
  isWide?: boolean;
  /** Whether the page shows pictures, which come from this server. */
  hasPictures?: boolean;
};

/** A page of our own for people: it loads nothing, works without scripts, and can be neither framed nor cached. */
export function page({
  status = 200,
  title,
  body,
  script,
  captcha = false,
  formTargets = [],
  cookies = [],
  isWide = false,
  hasPictures = false,
}: Page): RawResponse {
  const { markup } = html`<main class="${isWide ? 'wide' : 'narrow'}"><h1>${title}</h1>${body}</main>`;
  const text =
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">' +
    `${html`<title>${title} · BlinkChat</title>`.markup}<style>${STYLE}</style>${markup}` +
    `${script === undefined ? '' : `<script>${script}</script>`}${captcha ? `<script src="${CAPTCHA_SCRIPT}" async defer></script>` : ''}</html>`;
  const scripts = script === undefined ? "'none'" : `'sha256-${createHash('sha256').update(script).digest('base64')}'`;
  const policy = [
    "default-src 'none'",
    captcha ? `script-src ${CAPTCHA_SOURCES}; frame-src ${CAPTCHA_SOURCES}; connect-src ${CAPTCHA_SOURCES}` : `script-src ${scripts}`,
    captcha ? "style-src 'unsafe-inline'" : `style-src 'sha256-${STYLE_HASH}'`,
    `form-action ${["'self'", ...formTargets].join(' ')}`,
    ...(script === undefined ? [] : ["connect-src 'self'"]),
    ...(hasPictures ? ["img-src 'self'"] : []),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
  return raw({ status, headers: { ...PAGE_HEADERS, 'Content-Security-Policy': policy, ...setCookies(cookies) }, bytes: Buffer.from(text) });
}

const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
};

/** Sends the browser on, by GET whatever it came by. */
export function seeOther(location: string, cookies: readonly string[] = []): RawResponse {
  return raw({
    status: 303,
    headers: { Location: location, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer', ...setCookies(cookies) },
  });
}

/** Sends the browser on, for an endpoint whose specification asks for this status. */
export function found(location: string, cookies: readonly string[] = []): RawResponse {
  return { ...seeOther(location, cookies), status: 302 };
}

function setCookies(cookies: readonly string[]): Record<string, readonly string[]> {
  return cookies.length === 0 ? {} : { 'Set-Cookie': cookies };
}
