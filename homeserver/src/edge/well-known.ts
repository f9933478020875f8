import Router from '@koa/router';
import { notFound } from '../platform/matrix-error.ts';

export type WellKnownOptions = {
  publicUrl: string;
  /** Who runs this server: a Matrix id, a mail address, or the address of a page. */
  adminContact: string | undefined;
  federates: boolean;
  /** The key by which a policy server of this name signs. */
  policyServerKey: string | undefined;
  /** The media servers of calls, for clients that look for them here. https://github.com/matrix-org/matrix-spec-proposals/pull/4143 */
  rtcTransports: readonly object[];
};

const ONE_HOUR_S = 3600;
const OTHER_DOCUMENTS = ['server', 'support', 'policy_server'];

/**
 * Where clients and servers that only know the server name find us.
 * https://spec.matrix.org/latest/client-server-api/#well-known-uris, https://spec.matrix.org/latest/server-server-api/#getwell-knownmatrixserver
 */
export function wellKnownPages({ publicUrl, adminContact, federates, policyServerKey, rtcTransports }: WellKnownOptions): Router {
  const router = new Router({ prefix: '/.well-known/matrix' });
  const foci = rtcTransports.length === 0 ? {} : { 'org.matrix.msc4143.rtc_foci': rtcTransports };
  const documents: Record<string, unknown> = { client: { 'm.homeserver': { base_url: publicUrl }, ...foci } };
  const delegate = URL.parse(publicUrl);
  if (federates && delegate?.protocol === 'https:') documents['server'] = { 'm.server': `${delegate.hostname}:${delegate.port || '443'}` };
  if (policyServerKey !== undefined) documents['policy_server'] = { public_keys: { ed25519: policyServerKey } };
  const support = supportDocument(adminContact);
  if (support !== undefined) documents['support'] = support;

  for (const [name, document] of Object.entries(documents)) {
    router.get(`/${name}`, (ctx) => {
      ctx.set('Cache-Control', `public, max-age=${ONE_HOUR_S}`);
      ctx.body = document;
    });
  }
  // What is not there is no page of the web app.
  for (const name of OTHER_DOCUMENTS.filter((other) => documents[other] === undefined)) {
    router.get(`/${name}`, () => {
      throw notFound('There is no such document here');
    });
  }
  return router;
}

/** https://spec.matrix.org/latest/client-server-api/#getwell-knownmatrixsupport */
function supportDocument(adminContact: string | undefined): Record<string, unknown> | undefined {
  if (adminContact === undefined) return undefined;
  if (/^https?:/.test(adminContact)) return { support_page: adminContact };
  const address = adminContact.startsWith('@') ? { matrix_id: adminContact } : { email_address: adminContact };
  return { contacts: [{ role: 'm.role.admin', ...address }] };
}
