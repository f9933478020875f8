import type { OAuthClient } from '../../domain/accounts/oauth/clients.ts';
import { type Html, html } from '../pages/html.ts';

/** What people call a client; anybody may register any name, so its address stands beside it. */
export function nameOf({ metadata }: OAuthClient): string {
  return metadata.client_name ?? new URL(metadata.client_uri).host;
}

/** Who asks, and what for. */
export function describeClient(client: OAuthClient, deviceId: string): Html {
  const { client_uri: uri, tos_uri: terms, policy_uri: policy } = client.metadata;
  const link = (href: string | undefined, text: string) =>
    href !== undefined && html` <a href="${href}" rel="noreferrer noopener" target="_blank">${text}</a>`;
  return html`<p><strong>${nameOf(client)}</strong> at <a href="${uri}" rel="noreferrer noopener" target="_blank">${new URL(uri).host}</a>
will be able to read and send your messages, and to see and change your rooms, devices and profile. It becomes your device
<code>${deviceId}</code>.</p>
<p class="soft">Allow it only if you know it.${link(terms, 'Terms')}${link(policy, 'Privacy')}</p>`;
}
