import type { BrowserSessions, SignedIn } from '../../domain/accounts/oauth/browser-sessions.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { readForm } from '../http/read-form.ts';
import { type Html, html } from '../pages/html.ts';
import { isUploadForm, readUploadForm, type UploadedFile } from './upload-form.ts';

/** Whoever sits before one of our pages. */
export type Visitor = {
  cookie: string;
  /** `Set-Cookie`, when the browser has no cookie yet. */
  cookies: readonly string[];
  signedIn: SignedIn | undefined;
  /** A secret of this browser's, for a mailed code to belong to. */
  secret: string;
  /** What every form of ours carries, so that no other page can answer it. */
  formToken: Html;
};

export type Visitors = {
  read(request: HttpRequest): Promise<Visitor>;
  /** The fields of a form; undefined when it was not shown to this visitor by us. */
  readForm(request: HttpRequest, visitor: Visitor): Promise<Record<string, string> | undefined>;
  /** The same for a form that may carry a file. */
  readUpload(
    request: HttpRequest,
    visitor: Visitor,
  ): Promise<{ form: Record<string, string> | undefined; file?: UploadedFile | undefined }>;
  /** `Set-Cookie` for a browser whose person has just signed in, or out. */
  setCookie(cookie: string): string;
};

const FORM_TOKEN = 'form_token';
const COOKIE_LIFETIME_S = 12 * 3_600;

/** Reads and sets the cookie of our own pages: not for scripts, not for requests that other sites make. */
export function createVisitors(browserSessions: BrowserSessions, publicUrl: string): Visitors {
  const isSecure = publicUrl.startsWith('https:');
  const name = isSecure ? '__Host-blinkchat' : 'blinkchat';
  const setCookie = (cookie: string) =>
    `${name}=${cookie}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${COOKIE_LIFETIME_S}${isSecure ? '; Secure' : ''}`;

  const isOurs = ({ cookie, cookies }: Visitor, form: Readonly<Record<string, string>>): boolean =>
    cookies.length === 0 && browserSessions.isFormToken(cookie, form[FORM_TOKEN] ?? '');

  async function readPlainForm(request: HttpRequest, visitor: Visitor): Promise<Record<string, string> | undefined> {
    const form = await readForm(request);
    return isOurs(visitor, form) ? form : undefined;
  }

  return {
    setCookie,
    async read(request) {
      const known = readCookie(request.headers['cookie'] ?? '', name);
      const cookie = known ?? browserSessions.newCookie();
      return {
        cookie,
        cookies: known === undefined ? [setCookie(cookie)] : [],
        signedIn: known === undefined ? undefined : await browserSessions.find(known),
        secret: browserSessions.formToken(cookie),
        formToken: html`<input type="hidden" name="${FORM_TOKEN}" value="${browserSessions.formToken(cookie)}">`,
      };
    },
    readForm: readPlainForm,
    async readUpload(request, visitor) {
      if (!isUploadForm(request)) return { form: await readPlainForm(request, visitor) };
      const { fields, file } = await readUploadForm(request);
      return isOurs(visitor, fields) ? { form: fields, file } : { form: undefined };
    },
  };
}

function readCookie(header: string, name: string): string | undefined {
  const pairs = header.split(';').map((pair) => pair.trim());
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  return value === undefined || !/^[A-Za-z0-9_-]{20,64}$/.test(value) ? undefined : value;
}
