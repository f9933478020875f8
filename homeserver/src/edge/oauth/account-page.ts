import { manageAccount, showAccountPicture, submitAccountPage } from 'federation-spec/api/oauth/authorization-server.ts';
import type { SignedIn } from '../../domain/accounts/oauth/browser-sessions.ts';
import { MatrixError, notFound } from '../../platform/matrix-error.ts';
import { isLoopback } from '../client-api/is-loopback.ts';
import { sendMedia } from '../client-api/send-media.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { type RawResponse, type Route, route } from '../http/route.ts';
import { type Html, html } from '../pages/html.ts';
import { page, seeOther } from '../pages/page.ts';
import { type AccountAction, PASSWORD_ACTION, readAccountAction, SIGN_IN_ACTION } from './account-actions.ts';
import type { AccountSection, AccountSectionDeps, AccountVisit } from './account-section.ts';
import { createAccountSections } from './account-sections.ts';
import { expiredForm } from './expired-form.ts';
import type { SignInForms } from './sign-in-forms.ts';
import type { Visitor, Visitors } from './visitors.ts';

const PICTURE_SIZE = 96;

type Deps = AccountSectionDeps & { visitors: Visitors; signInForms: SignInForms };

const REASON = html`to look after your account`;

/** Where people look after their account. https://spec.matrix.org/latest/client-server-api/#oauth-20-account-management */
export function accountPageRoutes(deps: Deps): Route[] {
  const { oauth, visitors, signInForms, profiles, media } = deps;
  const sections = createAccountSections(deps);

  async function show(
    visitor: Visitor,
    section: AccountSection,
    said: { failure?: string; done?: string; more?: Html | undefined } = {},
  ): Promise<RawResponse> {
    const { title, body } = await section.show(visitor.formToken);
    return accountPage({ visitor, action: section.action, title, body, ...said });
  }

  return [
    route(showAccountPicture, async ({ request }) => {
      const { signedIn } = await visitors.read(request);
      const profile = signedIn === undefined ? {} : await profiles.load(signedIn.account.userId);
      const [, origin, mediaId] = /^mxc:\/\/([^/]+)\/([^/]+)$/.exec(String(profile['avatar_url'] ?? '')) ?? [];
      if (origin === undefined || mediaId === undefined) throw notFound('There is no picture');
      const wish = { width: PICTURE_SIZE, height: PICTURE_SIZE, method: 'crop', isAnimated: false } as const;
      return await sendMedia(await media.thumbnail(origin, mediaId, wish, { isRemoteAllowed: false }), {
        request,
        isRedirectAllowed: false,
      });
    }),
    route(manageAccount, async ({ query, request }) => {
      const visitor = await visitors.read(request);
      if (visitor.signedIn === undefined) return signInForms.show({ request, visitor, reason: REASON });
      return await show(
        visitor,
        sections.open(visitOf(request, visitor, visitor.signedIn), readAccountAction(query.action), query.device_id),
      );
    }),
    route(submitAccountPage, async ({ query, request }) => {
      const visitor = await visitors.read(request);
      const { form, file } = await visitors.readUpload(request, visitor);
      if (form === undefined) return expiredForm(request.url);
      const handled = await signInForms.submit({ request, visitor, reason: REASON }, form);
      if (handled !== undefined) return handled;
      if (visitor.signedIn === undefined) return seeOther(request.url);
      const section = sections.open(visitOf(request, visitor, visitor.signedIn), readAccountAction(query.action), query.device_id);
      try {
        const done = await section.act(form, file);
        if (!done.isGone) return await show(visitor, done.next ?? section, { done: done.said, more: done.more });
        await oauth.browserSessions.signOut(visitor.cookie);
        return page({ title: 'Done', body: html`<p role="status">${done.said}</p>` });
      } catch (error) {
        if (error instanceof MatrixError) return await show(visitor, section, { failure: error.message });
        throw error;
      }
    }),
  ];
}

function visitOf(request: HttpRequest, visitor: Visitor, signedIn: SignedIn): AccountVisit {
  return { visitor, signedIn, isLoopback: isLoopback(request.ip) };
}

type Shown = {
  visitor: Visitor;
  action: AccountAction;
  title: string;
  body: Html;
  failure?: string;
  done?: string;
  more?: Html | undefined;
};

function accountPage({ visitor, action, title, body, failure, done, more }: Shown): RawResponse {
  const tabs: readonly [AccountAction, string][] = [
    ['org.matrix.profile', 'Profile'],
    ['org.matrix.devices_list', 'Devices'],
    [PASSWORD_ACTION, 'Password'],
    [SIGN_IN_ACTION, 'Signing in'],
    ['org.matrix.cross_signing_reset', 'Encryption'],
    ['org.matrix.account_deactivate', 'Deactivate'],
  ];
  const tab = ([each, text]: readonly [AccountAction, string]) =>
    html`<a href="${manageAccount.path}?action=${each}"${each === action && html` aria-current="page"`}>${text}</a>`;
  return page({
    status: failure === undefined ? 200 : 400,
    title,
    isWide: true,
    hasPictures: true,
    cookies: visitor.cookies,
    body: html`<nav aria-label="Account">${tabs.map(tab)}</nav>
${failure !== undefined && html`<p role="alert">${failure}</p>`}${done !== undefined && html`<p role="status">${done}</p>`}
${more ?? body}
<form method="post"><p class="soft">${visitor.formToken}Signed in as ${visitor.signedIn?.account.userId ?? ''}. <button class="plain" name="do" value="sign-out">Sign out of this page</button></p></form>`,
  });
}
