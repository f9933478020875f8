import { createHash, randomBytes } from 'node:crypto';

/** A page as it came. */
export type SeenPage = { status: number; text: string; location: string | null; headers: Headers };

/** Somebody with a browser without scripts: it keeps cookies, reads forms and sends them back. */
export type PageVisitor = {
  open(url: string): Promise<SeenPage>;
  /** Sends the form of the last page that was opened, with its hidden fields, and follows redirects within the server. */
  submit(fields: Record<string, string>): Promise<SeenPage>;
  /** The same for a form that carries a file. */
  upload(fields: Record<string, string>, file: { name: string; fileName: string; bytes: Uint8Array<ArrayBuffer> }): Promise<SeenPage>;
  cookie(): string | undefined;
};

const MAX_REDIRECTS = 5;

export function createPageVisitor(baseUrl: string): PageVisitor {
  let cookie: string | undefined;
  let shown = { url: baseUrl, text: '' };

  async function load(url: string, init: RequestInit = {}): Promise<SeenPage> {
    let answer = await fetch(url, { ...init, redirect: 'manual', headers: cookie === undefined ? {} : { Cookie: cookie } });
    let at = url;
    for (let redirects = 0; ; redirects += 1) {
      cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie;
      const location = answer.headers.get('location');
      const next = location === null ? undefined : new URL(location, at);
      if (next === undefined || next.origin !== new URL(baseUrl).origin || redirects === MAX_REDIRECTS) break;
      at = next.href;
      answer = await fetch(at, { redirect: 'manual', headers: cookie === undefined ? {} : { Cookie: cookie } });
    }
    const text = await answer.text();
    shown = { url: at, text };
    return { status: answer.status, text, location: answer.headers.get('location'), headers: answer.headers };
  }

  return {
    open: (url) => load(url.startsWith('/') ? baseUrl + url : url),
    submit: (fields) => load(shown.url, { method: 'POST', body: new URLSearchParams({ ...hiddenFields(shown.text), ...fields }) }),
    upload: (fields, { name, fileName, bytes }) => {
      const body = new FormData();
      for (const [key, value] of Object.entries({ ...hiddenFields(shown.text), ...fields })) body.set(key, value);
      body.set(name, new Blob([bytes]), fileName);
      return load(shown.url, { method: 'POST', body });
    },
    cookie: () => cookie,
  };
}

function hiddenFields(text: string): Record<string, string> {
  const fields = text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g);
  return Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, readEscaped(value)]));
}

function readEscaped(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

/** A verifier and its challenge: https://www.rfc-editor.org/rfc/rfc7636#section-4 */
export function createPkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}
