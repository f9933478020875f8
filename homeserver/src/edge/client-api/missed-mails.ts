import { showUnsubscribe, unsubscribe } from 'federation-spec/api/client/missed-mails.ts';
import type { Pushers } from '../../domain/push/pushers.ts';
import { type Route, route } from '../http/route.ts';
import { html } from '../pages/html.ts';
import { page } from '../pages/page.ts';

/** What the link in a mail about missed messages leads to. */
export function missedMailRoutes(pushers: Pick<Pushers, 'unsubscribe'>): Route[] {
  return [
    route(showUnsubscribe, async () =>
      page({
        title: 'No more mail?',
        body: html`<p>You will not be written to any more about messages that you have not read.</p>
<form method="post"><button class="main">End these mails</button></form>`,
      }),
    ),
    route(unsubscribe, async ({ query }) => {
      await pushers.unsubscribe(query.token);
      return page({
        title: 'No more mail',
        body: html`<p role="status">You are not written to any more. You can turn it on again in the settings of your client.</p>`,
      });
    }),
  ];
}
