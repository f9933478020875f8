import { request } from 'node:http';
import { signJson } from 'federation-spec/signing/sign-json.ts';
import { buildXMatrix, requestToSign } from 'federation-spec/signing/x-matrix.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const FEDERATION = '/_matrix/federation/v1';
const cleanup = createCleanup();
let server: TestServer;
let peer: HostilePeer;
let juliet: TestUser;

beforeAll(async () => {
  const servers = cleanup.use(await startServers(1));
  server = servers.at(0);
  peer = cleanup.use(await startHostilePeer(servers.ca));
  juliet = await servers.user('juliet', 0);
});
afterAll(cleanup.run);

type Proof = { origin: string; destination: string; keyId: string; signature: string };
const usual = ({ origin, destination, keyId, signature }: Proof) => [buildXMatrix({ origin, destination, keyId, signature })];

/** Asks for a path as it is written: the usual client tidies it up. The headers say who asks. */
async function askPlainly(path: string, write: (proof: Proof) => string[] = usual): Promise<number | undefined> {
  const toSign = requestToSign({ method: 'GET', uri: path, origin: peer.name, destination: server.name });
  const { signatures } = await signJson(toSign, peer.signer);
  const { keyId } = peer.signer;
  const signature = signatures[peer.name]?.[keyId] ?? '';
  const authorization = write({ origin: peer.name, destination: server.name, keyId, signature });
  const { hostname, port } = new URL(server.url);
  return await new Promise((resolve, reject) => {
    const asking = request({ hostname, port, path, headers: { Authorization: authorization } }, (answer) =>
      resolve(answer.resume().statusCode),
    );
    asking.on('error', reject).end();
  });
}

test('a signature is found however its header is written', async () => {
  const forms: ((proof: Proof) => string)[] = [
    ({ origin: o, destination: d, keyId: k, signature: s }) => `X-Matrix origin=${o},destination=${d},key=${k},sig=${s}`,
    ({ origin: o, destination: d, keyId: k, signature: s }) => `x-matrix   SIG="${s}" , KEY="${k}"\t,\tDestination="${d}", Origin="${o}"`,
    ({ origin: o, keyId: k, signature: s }) => `X-Matrix origin="${o}",key="${k}",sig="${s}"`,
    ({ origin: o, destination: d, keyId: k, signature: s }) => `X-Matrix origin="${o}",destination="${d}",key="${k}",signature="${s}"`,
    ({ origin: o, destination: d, keyId: k, signature: s }) =>
      `X-Matrix origin="\\${o}",destination="${d}",key="${k}",sig="${s}",later="a \\"new\\" one, with commas"`,
    ({ origin: o, destination: d, keyId: k, signature: s }) => `X-Matrix origin="${o}",destination="${d}",key="${k}",sig="${s}==",`,
  ];
  for (const [index, write] of forms.entries()) {
    expect(await askPlainly(`${FEDERATION}/publicRooms`, (proof) => [write(proof)]), `form ${index}`).toBe(200);
  }
});

test('a header that is no proof is none', async () => {
  const whole = ({ origin: o, destination: d, keyId: k, signature: s }: Proof, changes: Partial<Proof> = {}) => {
    const said = { o, d, k, s, ...Object.fromEntries(Object.entries(changes).map(([key, value]) => [key.charAt(0), value])) };
    return `X-Matrix origin="${said.o}",destination="${said.d}",key="${said.k}",sig="${said.s}"`;
  };
  const forms: ((proof: Proof) => string[])[] = [
    () => [],
    () => [''],
    () => ['X-Matrix'],
    () => ['X-Matrix nothing'],
    (proof) => [whole(proof).replace('X-Matrix ', 'X-Matrix')],
    (proof) => [whole(proof).replace('X-Matrix', 'Bearer')],
    (proof) => [whole(proof), whole(proof)],
    (proof) => [`${whole(proof)},origin="${proof.origin}"`],
    (proof) => [whole(proof).replace(/,sig=.*/, '')],
    (proof) => [whole(proof).replace(/"$/, '')],
    (proof) => [whole(proof, { destination: 'elsewhere.test' })],
    (proof) => [whole(proof, { destination: proof.destination.toUpperCase() })],
    (proof) => [whole(proof, { origin: proof.origin.toUpperCase() })],
    (proof) => [whole(proof, { origin: `${proof.origin}/` })],
    (proof) => [whole(proof, { origin: '' })],
    (proof) => [whole(proof, { keyId: 'ed25519:other' })],
    (proof) => [whole(proof, { keyId: 'evil' })],
    (proof) => [whole(proof, { signature: 'AAAA' })],
    (proof) => [whole(proof, { signature: `${proof.signature.slice(0, -3)}???` })],
    (proof) => [whole(proof, { signature: proof.signature.split('').reverse().join('') })],
  ];
  for (const [index, write] of forms.entries()) expect(await askPlainly(`${FEDERATION}/publicRooms`, write), `form ${index}`).toBe(401);
});

test('a request is checked as it came, also when nothing follows its question mark', async () => {
  for (const query of ['', '?', '?&&limit=%31&limit2=a+b%7e&', '??', '?a=%c3%a9&b=/?:@']) {
    expect(await askPlainly(`${FEDERATION}/publicRooms${query}`), query).toBe(200);
  }
});

test('whoever wants no limit to the published rooms says zero', async () => {
  const name = nameOf('Grove');
  const names = [`${name} A`, `${name} B`];
  for (const each of names) await juliet.createRoom({ visibility: 'public', name: each });
  const filter = { generic_search_term: name };
  const search = async (limit: number) => {
    const { body } = await peer.call(server, 'POST', `${FEDERATION}/publicRooms`, { limit, filter });
    return { body, names: (body['chunk'] as { name: string }[]).map((room) => room.name).sort() };
  };
  expect((await search(0)).names).toEqual(names);
  expect((await search(0)).body).not.toHaveProperty('next_batch');
  expect((await search(1)).body).toMatchObject({ next_batch: expect.any(String), total_room_count_estimate: 2 });
});

test('what another server leaves out by writing null is left out', async () => {
  const body = { since: null, third_party_instance_id: null, filter: { generic_search_term: null, room_types: null } };
  expect(await peer.call(server, 'POST', `${FEDERATION}/publicRooms`, body)).toMatchObject({ status: 200 });
  const transaction = { origin: peer.name, origin_server_ts: Date.now(), pdus: null, edus: null };
  const sent = await peer.call(server, 'PUT', `${FEDERATION}/send/${nameOf('null')}`, transaction);
  expect(sent).toEqual({ status: 200, body: { pdus: {} } });
  const strict = await peer.call(server, 'PUT', `${FEDERATION}/send/${nameOf('strict')}`, { ...transaction, origin: null });
  expect(strict).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
});
