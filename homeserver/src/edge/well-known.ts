import Router from '@koa/router';

export type WellKnownOptions = {
  publicUrl: string;
  /** Who runs this server: a Matrix id, a mail address, or the address of a page. */
  adminContact: string | undefined;
  federates: boolean;
};

const ONE_HOUR_S = 3600;

/**
 * Where clients and servers that only know the server name find us.
 * https://spec.matrix.org/latest/client-server-api/#well-known-uris, https://spec.matrix.org/latest/server-server-api/#getwell-knownmatrixserver
 */
export function wellKnownPages({ publicUrl, adminContact, federates }: WellKnownOptions): Router {
  const router = new Router({ prefix: '/.well-known/matrix' });
  const documents: Record<string, unknown> = { client: { 'm.homeserver': { base_url: publicUrl } } };
  const delegate = URL.parse(publicUrl);
  if (federates && delegate?.protocol === 'https:') documents['server'] = { 'm.server': `${delegate.hostname}:${delegate.port || '443'}` };
  const support = supportDocument(adminContact);
  if (support !== undefined) documents['support'] = support;

  for (const [name, document] of Object.entries(documents)) {
    router.get(`/${name}`, (ctx) => {
      ctx.set('Cache-Control', `public, max-age=${ONE_HOUR_S}`);
      ctx.body = document;
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
