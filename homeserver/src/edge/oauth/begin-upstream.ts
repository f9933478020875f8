import { UpstreamRefusal } from '../../domain/accounts/sso/oidc-provider.ts';
import type { SignInWish, SingleSignOn, SsoGoal } from '../../domain/accounts/sso/single-sign-on.ts';
import { MatrixError, notFound } from '../../platform/matrix-error.ts';
import type { HttpRequest } from '../http/http-request.ts';
import type { RawResponse } from '../http/route.ts';
import { html } from '../pages/html.ts';
import { found, page } from '../pages/page.ts';
import type { Visitors } from './visitors.ts';

/** Sends a person to a provider; what keeps us from it is told on a page. */
export type BeginUpstream = (request: HttpRequest, goal: SsoGoal, wish: SignInWish) => Promise<RawResponse>;

export function createBeginUpstream({ sso, visitors }: { sso: SingleSignOn; visitors: Visitors }): BeginUpstream {
  return async function beginUpstream(request, goal, wish) {
    if (!sso.providers.some(({ id }) => id === wish.providerId))
      throw notFound(`There is no sign-in provider ${wish.providerId.slice(0, 255)}`);
    const { cookie, cookies } = await visitors.read(request);
    return await tellRefusal(async () => found(await sso.begin(goal, cookie, wish), cookies));
  };
}

/** What keeps somebody from signing in is told on a page. */
export async function tellRefusal(work: () => Promise<RawResponse>): Promise<RawResponse> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UpstreamRefusal) && !(error instanceof MatrixError)) throw error;
    return page({ status: 403, title: 'Signing in did not work', body: html`<p role="alert">${error.message}</p>` });
  }
}
