import { manageAccount, submitAccountPage } from 'federation-spec/api/oauth/authorization-server.ts';
import { MatrixError } from '../../platform/matrix-error.ts';
import { type RawResponse, type Route, route } from '../http/route.ts';
import { type Html, html } from '../pages/html.ts';
import { page, seeOther } from '../pages/page.ts';
import { type AccountAction, PASSWORD_ACTION, readAccountAction } from './account-actions.ts';
import { type AccountSection, type AccountSectionDeps, createAccountSections } from './account-sections.ts';
import { expiredForm } from './expired-form.ts';
import type { SignInForms } from './sign-in-forms.ts';
import type { Visitor, Visitors } from './visitors.ts';

type Deps = AccountSectionDeps & { visitors: Visitors; signInForms: SignInForms };

const REASON = html`to look after your account`;

/** Where people look after their account. https://spec.matrix.org/latest/client-server-api/#oauth-20-account-management */
export function accountPageRoutes(deps: Deps): Route[] {
  const { oauth, visitors, signInForms } = deps;
  const sections = createAccountSections(deps);

  async function show(visitor: Visitor, section: AccountSection, said: { failure?: string; done?: string } = {}): Promise<RawResponse> {
    const { title, body } = await section.show(visitor.formToken);
    return accountPage({ visitor, action: section.action, title, body, ...said });
  }

  return [
    route(manageAccount, async ({ query, request }) => {
      const visitor = await visitors.read(request);
      if (visitor.signedIn === undefined) return signInForms.show({ request, visitor, reason: REASON });
      return await show(visitor, sections.open(visitor.signedIn, readAccountAction(query.action), query.device_id));
    }),
    route(submitAccountPage, async ({ query, request }) => {
      const visitor = await visitors.read(request);
      const form = await visitors.readForm(request, visitor);
      if (form === undefined) return expiredForm(request.url);
      const handled = await signInForms.submit({ request, visitor, reason: REASON }, form);
      if (handled !== undefined) return handled;
      if (visitor.signedIn === undefined) return seeOther(request.url);
      const section = sections.open(visitor.signedIn, readAccountAction(query.action), query.device_id);
      try {
        const done = await section.act(form);
        if (!done.isGone) return await show(visitor, done.next ?? section, { done: done.said });
        await oauth.browserSessions.signOut(visitor.cookie);
        return page({ title: 'Done', body: html`<p role="status">${done.said}</p>` });
      } catch (error) {
        if (error instanceof MatrixError) return await show(visitor, section, { failure: error.message });
        throw error;
      }
    }),
  ];
}

type Shown = { visitor: Visitor; action: AccountAction; title: string; body: Html; failure?: string; done?: string };

function accountPage({ visitor, action, title, body, failure, done }: Shown): RawResponse {
  const tabs: readonly [AccountAction, string][] = [
    ['org.matrix.profile', 'Profile'],
    ['org.matrix.devices_list', 'Devices'],
    [PASSWORD_ACTION, 'Password'],
    ['org.matrix.cross_signing_reset', 'Encryption'],
    ['org.matrix.account_deactivate', 'Deactivate'],
  ];
  const tab = ([each, text]: readonly [AccountAction, string]) =>
    html`<a href="${manageAccount.path}?action=${each}"${each === action && html` aria-current="page"`}>${text}</a>`;
  return page({
    status: failure === undefined ? 200 : 400,
    title,
    isWide: true,
    cookies: visitor.cookies,
    body: html`<nav aria-label="Account">${tabs.map(tab)}</nav>
${failure !== undefined && html`<p role="alert">${failure}</p>`}${done !== undefined && html`<p role="status">${done}</p>`}
${body}
<form method="post"><p class="soft">${visitor.formToken}Signed in as ${visitor.signedIn?.account.userId ?? ''}. <button class="plain" name="do" value="sign-out">Sign out of this page</button></p></form>`,
  });
}
