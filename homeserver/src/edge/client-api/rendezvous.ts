import * as api from 'federation-spec/api/client/rendezvous.ts';
import type { Rendezvous, RendezvousSessions } from '../../domain/accounts/rendezvous.ts';
import type { Clock } from '../../platform/clock.ts';
import { forbidden, invalidParam, matrixError, missingParam } from '../../platform/matrix-error.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { readText } from '../http/read-text.ts';
import { type Route, raw, route } from '../http/route.ts';

/** A little more than a session holds, so that the domain can say what is too much. */
const MAX_BODY_BYTES = 8_192;

type Deps = { sessions: RendezvousSessions; clock: Clock; publicUrl: string };

/** https://github.com/matrix-org/matrix-spec-proposals/pull/4388, and its elder 4108 with ETags */
export function rendezvousRoutes({ sessions, clock, publicUrl }: Deps): Route[] {
  const leftOf = ({ expiresAt }: Rendezvous) => Math.max(0, expiresAt - clock.now());
  return [
    route(api.discoverRendezvous, async ({ maybeRequester }) => ({ create_available: maybeRequester !== undefined })),
    route(api.createRendezvousSession, async ({ maybeRequester, body }) => {
      if (maybeRequester === undefined) throw forbidden('Only who is logged in may open a session');
      const { id, session } = sessions.open(body.data);
      return { id, sequence_token: session.version, expires_in_ms: leftOf(session) };
    }),
    route(api.getRendezvousSession, async ({ params, request }) => {
      if (request.headers['sec-fetch-dest'] === 'document') throw forbidden('This is not a page');
      const session = sessions.load(params.id);
      return { data: session.data, sequence_token: session.version, expires_in_ms: leftOf(session) };
    }),
    route(api.updateRendezvousSession, async ({ params, body }) => {
      const written = sessions.write(params.id, body.sequence_token, body.data);
      if (written === undefined) throw matrixError(409, 'IO_ELEMENT_MSC4388_CONCURRENT_WRITE', 'The other device wrote since you read');
      return { sequence_token: written.version };
    }),
    route(api.deleteRendezvousSession, async ({ params }) => {
      sessions.close(params.id);
      return {};
    }),
    ...etagRoutes(sessions, publicUrl),
  ];
}

function etagRoutes(sessions: RendezvousSessions, publicUrl: string): Route[] {
  return [
    route(api.createEtagRendezvousSession, async ({ request }) => {
      const { id, session } = sessions.open(await readPlainText(request));
      const url = `${publicUrl}${api.createEtagRendezvousSession.path}/${id}`;
      return raw({ status: 201, headers: etagHeaders(session), json: { url } });
    }),
    route(api.getEtagRendezvousSession, async ({ params, request }) => {
      if (request.headers['sec-fetch-dest'] === 'document') throw forbidden('This is not a page');
      const session = sessions.load(params.id);
      const headers = etagHeaders(session);
      if (request.headers['if-none-match'] === etagOf(session)) return raw({ status: 304, headers });
      return raw({ headers: { ...headers, 'Content-Type': 'text/plain' }, bytes: Buffer.from(session.data) });
    }),
    route(api.updateEtagRendezvousSession, async ({ params, request }) => {
      const seen = request.headers['if-match'];
      const data = await readPlainText(request);
      if (seen === undefined) throw missingParam('The header If-Match is missing');
      const written = sessions.write(params.id, /^(?:W\/)?"(.*)"$/.exec(seen)?.[1] ?? '', data);
      if (written !== undefined) return raw({ status: 202, headers: etagHeaders(written) });
      const current = sessions.load(params.id);
      const error = {
        errcode: 'M_UNKNOWN',
        'org.matrix.msc4108.errcode': 'M_CONCURRENT_WRITE',
        error: 'The other device wrote since you read',
      };
      return raw({ status: 412, headers: etagHeaders(current), json: error });
    }),
    route(api.deleteEtagRendezvousSession, async ({ params }) => {
      sessions.close(params.id);
      return raw({ status: 204 });
    }),
  ];
}

const etagOf = ({ version }: Rendezvous) => `"${version}"`;

function etagHeaders(session: Rendezvous): Record<string, string> {
  return {
    ETag: etagOf(session),
    Expires: new Date(session.expiresAt).toUTCString(),
    'Last-Modified': new Date(session.changedAt).toUTCString(),
    'Cache-Control': 'no-store, no-transform',
    Pragma: 'no-cache',
  };
}

async function readPlainText(request: HttpRequest): Promise<string> {
  if (!/^text\/plain\b/i.test(request.headers['content-type'] ?? '')) throw invalidParam('The Content-Type must be text/plain');
  return await readText(request, MAX_BODY_BYTES);
}
