import type { RawResponse } from '../http/route.ts';
import { html } from '../pages/html.ts';
import { page } from '../pages/page.ts';

const FORBIDDEN = 403;

/** For a form that this browser was not shown by us, or so long ago that its cookie is gone. */
export function expiredForm(url: string): RawResponse {
  return page({
    status: FORBIDDEN,
    title: 'This form has expired',
    body: html`<p role="alert">Your browser sent it without our cookie. Cookies must be allowed for this page.</p>
<p><a class="button" href="${url}">Try again</a></p>`,
  });
}
