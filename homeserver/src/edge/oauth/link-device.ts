import { showDeviceLink, submitDeviceLink } from 'federation-spec/api/oauth/authorization-server.ts';
import type { OAuth } from '../../domain/accounts/oauth/create-oauth.ts';
import { MatrixError } from '../../platform/matrix-error.ts';
import { type RawResponse, type Route, route } from '../http/route.ts';
import { html } from '../pages/html.ts';
import { page, seeOther } from '../pages/page.ts';
import { describeClient, nameOf } from './describe-client.ts';
import { expiredForm } from './expired-form.ts';
import type { SignInForms } from './sign-in-forms.ts';
import type { Visitor, Visitors } from './visitors.ts';

type Deps = { oauth: OAuth; visitors: Visitors; signInForms: SignInForms };

const REASON = html`to link another device`;

/** The page on which a person allows a device in by its code. https://spec.matrix.org/latest/client-server-api/#device-authorisation-flow */
export function linkDeviceRoutes({ oauth, visitors, signInForms }: Deps): Route[] {
  async function show(visitor: Visitor, userId: string, userCode: string | undefined): Promise<RawResponse> {
    if (userCode === undefined || userCode === '') return codePage(visitor);
    const grant = await oauth.deviceGrants.find(userCode, userId);
    if (grant === undefined) return codePage(visitor, 'This code is not known, or has expired. Look at the device again.');
    return page({
      title: `Link ${nameOf(grant.client)}?`,
      cookies: visitor.cookies,
      body: html`<p>You are signed in as <strong>${userId}</strong>.</p>
${describeClient(grant.client, grant.deviceId)}
<p>Check that your device shows the code <strong>${userCode.toUpperCase()}</strong>. Did somebody send you this link or code? Then cancel.</p>
<form method="post">${visitor.formToken}<input type="hidden" name="user_code" value="${userCode}">
<button class="main" name="do" value="allow">Link this device</button>
<button name="do" value="deny">Cancel</button></form>`,
    });
  }

  async function decide(visitor: Visitor, userCode: string, isAllowed: boolean): Promise<RawResponse> {
    const decided =
      visitor.signedIn !== undefined &&
      (await oauth.deviceGrants.decide(userCode, isAllowed ? 'allowed' : 'denied', visitor.signedIn.account));
    if (!decided) return codePage(visitor, 'This code was used already, or has expired. Look at the device again.');
    return page({
      title: isAllowed ? 'The device is linked' : 'Cancelled',
      body: html`<p role="status">${isAllowed ? 'It goes on by itself in a moment.' : 'The device was not let in.'} You can close this page.</p>`,
    });
  }

  return [
    route(showDeviceLink, async ({ query, request }) => {
      const visitor = await visitors.read(request);
      if (visitor.signedIn === undefined) return signInForms.show({ request, visitor, reason: REASON });
      return await tellRefusal(visitor, () => show(visitor, visitor.signedIn?.account.userId ?? '', query.user_code));
    }),
    route(submitDeviceLink, async ({ request }) => {
      const visitor = await visitors.read(request);
      const form = await visitors.readForm(request, visitor);
      if (form === undefined) return expiredForm(request.url);
      const handled = await signInForms.submit({ request, visitor, reason: REASON }, form);
      if (handled !== undefined) return handled;
      const { signedIn } = visitor;
      if (signedIn === undefined) return seeOther(request.url);
      const userCode = form['user_code'] ?? '';
      const wanted = form['do'];
      if (wanted !== 'allow' && wanted !== 'deny')
        return await tellRefusal(visitor, () => show(visitor, signedIn.account.userId, userCode));
      return await tellRefusal(visitor, () => decide(visitor, userCode, wanted === 'allow'));
    }),
  ];
}

function codePage(visitor: Visitor, failure?: string): RawResponse {
  return page({
    status: failure === undefined ? 200 : 400,
    title: 'Link a device',
    cookies: visitor.cookies,
    body: html`${failure !== undefined && html`<p role="alert">${failure}</p>`}
<form method="post">${visitor.formToken}
<label>The code that your device shows
<input name="user_code" autocomplete="off" autocapitalize="characters" spellcheck="false" placeholder="XXXX-XXXX" required autofocus></label>
<button class="main" name="do" value="look">Continue</button></form>`,
  });
}

async function tellRefusal(visitor: Visitor, work: () => Promise<RawResponse>): Promise<RawResponse> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MatrixError) return codePage(visitor, error.message);
    throw error;
  }
}
