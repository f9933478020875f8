import { parseServerName } from 'federation-spec/identifiers/server-name.ts';
import { type Signer, signJson } from 'federation-spec/signing/sign-json.ts';
import { buildXMatrix, requestToSign } from 'federation-spec/signing/x-matrix.ts';
import { badGateway, invalidParam, matrixError, missingParam } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import {
  deleteThreepidBinding,
  insertThreepidBinding,
  listThreepidBindings,
  type ThreepidBinding,
} from '../../storage/threepid-bindings.ts';
import { asRecord, readText } from './read-record.ts';

/** Posts JSON to an identity server. Rejects when it cannot be reached. */
export type PostToIdentityServer = (request: {
  url: string;
  body: string;
  authorization: string;
}) => Promise<{ status: number; body: unknown }>;

export type UnbindResult = 'success' | 'no-support';
type Owner = { userNid: number; userId: string };

/** Publishing addresses at identity servers, and taking that back. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3account3pidbind */
export type IdentityBindings = {
  /** @throws M_SERVER_NOT_TRUSTED, M_INVALID_PARAM; what the identity server refuses is told with its own code, 502 when it is out of order */
  bind(owner: Owner, request: { idServer: string; idAccessToken: string | undefined; sid: string; clientSecret: string }): Promise<void>;
  /** At the server named, or wherever the address was published by us. */
  unbind(owner: Owner, address: { medium: string; address: string; idServer: string | undefined }): Promise<UnbindResult>;
  unbindAll(owner: Owner): Promise<UnbindResult>;
};

const BIND_PATH = '/_matrix/identity/v2/3pid/bind';
const UNBIND_PATH = '/_matrix/identity/v2/3pid/unbind';
const MAX_SERVER_NAME_CHARACTERS = 255;
/** An identity server that cannot unbind says so with one of these. */
const UNSUPPORTED: readonly number[] = [400, 404, 501];

type Deps = { pool: Pool; signer: Signer; post: PostToIdentityServer; isAllowed: (idServer: string) => boolean };

export function createIdentityBindings({ pool, signer, post, isAllowed }: Deps): IdentityBindings {
  function urlAt(idServer: string, path: string): string {
    const name = idServer.replace(/^https:\/\//, '').replace(/\/$/, '');
    if (name.length > MAX_SERVER_NAME_CHARACTERS || parseServerName(name) === undefined) {
      throw invalidParam(`${idServer.slice(0, MAX_SERVER_NAME_CHARACTERS)} is no name of an identity server`);
    }
    if (!isAllowed(name)) throw matrixError(400, 'M_SERVER_NOT_TRUSTED', `This server does not work with the identity server ${name}`);
    return `https://${name}${path}`;
  }

  /** The request is signed like one between servers: an identity server takes it from the homeserver of the person. */
  async function unbindAt({ userId }: Owner, { medium, address, idServer }: ThreepidBinding): Promise<UnbindResult> {
    const url = urlAt(idServer, UNBIND_PATH);
    const content = { mxid: userId, threepid: { medium, address } };
    const { serverName: origin, keyId } = signer;
    const destination = new URL(url).host;
    const signed = await signJson(requestToSign({ method: 'POST', uri: UNBIND_PATH, origin, destination, content }), signer);
    const signature = signed.signatures[origin]?.[keyId] ?? '';
    const authorization = buildXMatrix({ origin, destination, keyId, signature });
    const { status } = await post({ url, body: JSON.stringify(content), authorization });
    if (status === 200) return 'success';
    if (UNSUPPORTED.includes(status)) return 'no-support';
    throw badGateway(`The identity server ${destination} answered ${status}`);
  }

  async function unbindEach(owner: Owner, bindings: readonly ThreepidBinding[]): Promise<UnbindResult> {
    let result: UnbindResult = bindings.length === 0 ? 'no-support' : 'success';
    for (const binding of bindings) {
      if ((await unbindAt(owner, binding)) === 'no-support') result = 'no-support';
      await deleteThreepidBinding(pool, owner.userNid, binding);
    }
    return result;
  }

  return {
    async bind(owner, { idServer, idAccessToken, sid, clientSecret }) {
      if (idAccessToken === undefined) throw missingParam('Missing key id_access_token');
      const url = urlAt(idServer, BIND_PATH);
      const body = JSON.stringify({ sid, client_secret: clientSecret, mxid: owner.userId });
      const answer = await post({ url, body, authorization: `Bearer ${idAccessToken}` });
      const record = asRecord(answer.body);
      if (answer.status !== 200) throw refusalOf(answer.status, readText(record, 'errcode'), new URL(url).host);
      const [medium, address] = [readText(record, 'medium'), readText(record, 'address')];
      if (medium === undefined || address === undefined) throw badGateway('The identity server does not say what it has published');
      await insertThreepidBinding(pool, owner.userNid, { medium, address, idServer: new URL(url).host });
    },
    async unbind(owner, { medium, address, idServer }) {
      const bindings =
        idServer === undefined ? await listThreepidBindings(pool, owner.userNid, { medium, address }) : [{ medium, address, idServer }];
      return await unbindEach(owner, bindings);
    },
    unbindAll: async (owner) => await unbindEach(owner, await listThreepidBindings(pool, owner.userNid)),
  };
}

/** A refusal of the identity server's, told with its code where that is one of the protocol's; its words are not passed on. */
function refusalOf(status: number, errcode: string | undefined, host: string) {
  const isTheirs = status >= 400 && status < 500 && errcode !== undefined && /^M_[A-Z_]{1,64}$/.test(errcode);
  return isTheirs
    ? matrixError(400, errcode, `The identity server ${host} refused`)
    : badGateway(`The identity server ${host} answered ${status}`);
}
