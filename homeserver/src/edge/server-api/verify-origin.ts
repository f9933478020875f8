import { parseServerName } from 'federation-spec/identifiers/server-name.ts';
import { verifyJson } from 'federation-spec/signing/sign-json.ts';
import { parseXMatrix, requestToSign } from 'federation-spec/signing/x-matrix.ts';
import type { ServerKeyring } from '../../domain/federation/keys/server-keys.ts';
import type { PeerPolicy } from '../../domain/federation/peer-policy.ts';
import type { Clock } from '../../platform/clock.ts';
import { forbidden, unauthorized } from '../../platform/matrix-error.ts';
import { createBodyTurns } from '../http/body-turns.ts';
import { readSignedBody } from '../http/read-json-body.ts';
import type { VerifyOrigin } from '../http/requester.ts';

type Deps = {
  keyring: ServerKeyring;
  clock: Clock;
  serverName: string;
  mayFederate: PeerPolicy;
  /** Told of each server that has just proved to be alive, and what it calls itself. */
  sawServer: (serverName: string, userAgent: string) => void;
};

/** A transaction holds 50 events and 100 other messages, and no honest one has a tenth of this in them. */
const MAX_BODY_VALUES = 250_000;

/**
 * Checks the X-Matrix signature of a request.
 *
 * 1. There is exactly one such header, and every part of it can be read.
 * 2. It was made for this server, by another one that we federate with.
 * 3. It is signed with a key that is valid now, over the method, the URI as it came and the body.
 *
 * https://spec.matrix.org/latest/server-server-api/#request-authentication
 */
export function createVerifyOrigin({ keyring, clock, serverName, mayFederate, sawServer }: Deps): VerifyOrigin {
  const takeTurn = createBodyTurns();

  return async ({ method, uri, authorization, bytes, network, userAgent }) => {
    const [only, ...others] = authorization; // 1
    const header = only === undefined || others.length > 0 ? undefined : parseXMatrix(only);
    if (header === undefined) throw unauthorized('The request needs one Authorization header with an X-Matrix signature');
    const { origin, destination, keyId, signature } = header;
    if (parseServerName(origin) === undefined) throw unauthorized('The origin is no server name');

    if (destination !== undefined && destination !== serverName) throw unauthorized('The request was signed for another server'); // 2
    if (origin === serverName) throw unauthorized('The request claims to come from this server');
    if (!mayFederate(origin)) throw forbidden('This server does not federate with yours');

    const publicKey = await keyring.find(origin, keyId, {
      at: clock.now(),
      enforcesValidity: true,
      isCalling: true,
      askedBy: network,
    }); // 3
    if (publicKey === undefined) throw unauthorized(`${origin} has no valid key ${keyId}`);
    const body = await takeTurn(network, bytes?.length ?? 0, async () => {
      const content = bytes === undefined ? undefined : readSignedBody(bytes, MAX_BODY_VALUES);
      const request = { method, uri, origin, destination: serverName, ...(content === undefined ? {} : { content }) };
      const signed = { ...requestToSign(request), signatures: { [origin]: { [keyId]: signature } } };
      if (!(await verifyJson(signed, { serverName: origin, keyId, publicKey })))
        throw unauthorized('The signature does not match the request');
      return content ?? {};
    });

    sawServer(origin, userAgent);
    return { origin, body };
  };
}
