import { callServer } from '../kit/test-user.ts';

export const V3 = '/_matrix/client/v3';
export const PASSWORD = 'a plague on both';

/** The six digits of a mail. */
export function codeIn(text: string | undefined): string {
  const code = /\b(\d{6})\b/.exec(text ?? '')?.[1];
  if (code === undefined) throw new Error(`no code in: ${text}`);
  return code;
}

/** The link of a mail, as path and query. */
export function linkIn(text: string | undefined): string {
  const link = /https?:\/\/\S+/.exec(text ?? '')?.[0];
  if (link === undefined) throw new Error(`no link in: ${text}`);
  const { pathname, search } = new URL(link);
  return pathname + search;
}

/** Asks for a code; gives the session and the path to submit the code to. */
export async function requestCode(
  url: string,
  kind: 'register' | 'account/password' | 'account/3pid',
  email: string,
  clientSecret: string,
  attempt = 1,
) {
  const answer = await callServer(url, 'POST', `${V3}/${kind}/email/requestToken`, {
    client_secret: clientSecret,
    email,
    send_attempt: attempt,
  });
  return { status: answer.status, sid: String(answer.body['sid']), submitPath: new URL(String(answer.body['submit_url'])).pathname };
}

/** The `auth` that shows a confirmed e-mail address. */
export function emailAuth(session: unknown, sid: string, clientSecret: string) {
  return { type: 'm.login.email.identity', session, threepid_creds: { sid, client_secret: clientSecret } };
}
