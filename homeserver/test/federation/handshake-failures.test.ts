import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { JsonObject, Pdu, PduDraft } from 'federation-spec/events/event.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type HostedRoom, hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, lie, peerError, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { Answer, TestUser } from '../kit/test-user.ts';

let servers: TestServers;
let romeo: TestUser;
/** Of each scene its own, so that none is remembered for what it did before; with one key, should a port be given twice. */
let peer: HostilePeer;
let room: HostedRoom;

beforeAll(async () => {
  servers = await startServers(1);
  romeo = await servers.user('romeo', 0);
});
beforeEach(async () => {
  peer = await startHostilePeer(servers.ca, { seed });
  room = await hostRoom(peer);
});
afterEach(async () => await peer[Symbol.asyncDispose]());
afterAll(async () => await servers[Symbol.asyncDispose]());

const seed = new Uint8Array(randomBytes(32));
const enc = encodeURIComponent;
const destroyed = (res: ServerResponse) => res.destroy();
const halfway = (res: ServerResponse) => {
  res.writeHead(200, { 'content-type': 'application/json' }).write('{"event":{');
  setTimeout(() => res.destroy(), 20);
};
const refusal = (status: number, body: JsonObject) => lie({ status, body: JSON.stringify(body) });

type Told = [status: number, errcode: string];
const FAILURES: [what: string, answer: unknown, told: Told][] = [
  ['does not know the room', peerError(404, 'M_NOT_FOUND'), [404, 'M_NOT_FOUND']],
  ['refuses', peerError(403, 'M_FORBIDDEN'), [403, 'M_FORBIDDEN']],
  ['refuses without a word', lie({ status: 403, body: '<html>' }), [403, 'M_FORBIDDEN']],
  [
    'has another version of the room',
    refusal(400, { errcode: 'M_INCOMPATIBLE_ROOM_VERSION', error: 'no', room_version: '99' }),
    [400, 'M_INCOMPATIBLE_ROOM_VERSION'],
  ],
  ['finds the request wrong', peerError(400, 'M_INVALID_PARAM'), [502, 'M_UNKNOWN']],
  ['has had enough of us', refusal(429, { errcode: 'M_LIMIT_EXCEEDED', error: 'no', retry_after_ms: 1_234 }), [429, 'M_LIMIT_EXCEEDED']],
  ['does not believe who we are', peerError(401, 'M_UNAUTHORIZED'), [502, 'M_UNKNOWN']],
  ['does not know how to', peerError(400, 'M_UNRECOGNIZED'), [502, 'M_UNKNOWN']],
  ['falls over', peerError(500, 'M_UNKNOWN'), [502, 'M_UNKNOWN']],
  ['is behind a proxy that does not reach it', lie({ status: 502, body: '<html>' }), [502, 'M_UNKNOWN']],
  ['talks nonsense', lie({ body: '<html>' }), [502, 'M_UNKNOWN']],
  ['answers another question', {}, [502, 'M_UNKNOWN']],
  ['sends us elsewhere', lie({ status: 301, headers: { location: 'https://elsewhere.test/' } }), [502, 'M_UNKNOWN']],
  ['dies', destroyed, [502, 'M_UNKNOWN']],
  ['dies while it speaks', halfway, [502, 'M_UNKNOWN']],
];
/** The peer fails at this step, and does all else as it should. */
function failAt(step: string, failure: unknown): void {
  peer.answer((method, path, body) => {
    if (path.includes(`/${step}/`)) return failure;
    return path.includes('/make_knock/') ? room.template(romeo.id, 'knock') : room.answer(method, path, body);
  });
}
const come = async (how: 'join' | 'knock') =>
  await romeo.attempt('POST', `/_matrix/client/v3/${how}/${enc(room.roomId)}?via=${peer.name}`, {});
const told = ({ status, body }: Answer) => [status, body['errcode']];
/** Whether anything of the room, or of somebody's part in it, was kept. */
async function isKept(roomId: string): Promise<boolean> {
  const [row] = await servers.at(0).sql<{ kept: number }[]>`select 1 as kept from rooms where room_id = ${roomId}`;
  return row !== undefined;
}

describe.each([
  ['join', 'make_join'],
  ['join', 'send_join'],
  ['knock', 'make_knock'],
  ['knock', 'send_knock'],
] as const)('who wants to %s is told, and nothing stays behind, when at %s the only server', (how, step) => {
  test.each(FAILURES)('%s', async (_what, failure, expected) => {
    failAt(step, failure);
    const answer = await come(how);
    expect(told(answer)).toEqual(expected);
    if (answer.status === 429) {
      expect(answer.body['retry_after_ms']).toBe(1_234);
      expect(answer.headers.get('retry-after')).toBe('2');
    }
    if (expected[1] === 'M_INCOMPATIBLE_ROOM_VERSION') expect(answer.body['room_version']).toBe('99');
    expect(await isKept(room.roomId)).toBe(false);
    failAt('nothing', undefined);
    if (how === 'join') expect((await come(how)).status).toBe(200);
  });
});

const invited = async () => expect((await room.invite(servers.at(0), romeo.id)).status).toBe(200);
type Sections = { rooms: { invite: object; leave: object } };

describe.each(['make_leave', 'send_leave'])('an invite is gone for who rejects it, though at %s the only server', (step) => {
  test.each(FAILURES)('%s', async (_what, failure) => {
    await invited();
    const before = (await romeo.sync({ since: '' })) as Sections & { next_batch: string };
    expect(before.rooms.invite).toHaveProperty([room.roomId]);
    failAt(step, failure);
    await romeo.leave(room.roomId);
    expect(peer.seen.some(({ path }) => path.includes(`/${step}/`))).toBe(true);
    const news = (await romeo.sync({ since: before.next_batch })) as Sections;
    expect(news.rooms.leave).toHaveProperty([room.roomId]);
    expect(((await romeo.sync({ since: '' })) as Sections).rooms.invite).not.toHaveProperty([room.roomId]);
  });
});

describe('who invites is told, and nobody is invited, when the server of the invited', () => {
  const unsigned = (event: Pdu) => ({ event: { ...event, signatures: { [servers.at(0).name]: event.signatures[servers.at(0).name] } } });
  const signed = async (event: Pdu, changes: JsonObject) => {
    const { signatures: _, hashes: __, unsigned: ___, ...draft } = event;
    return { event: { ...(await signEvent({ ...draft, ...changes } as PduDraft, room.rules, peer.signer)) } };
  };
  const TELLING: Record<string, Told> = {
    'does not know the room': [502, 'M_UNKNOWN'],
    'has another version of the room': [400, 'M_UNSUPPORTED_ROOM_VERSION'],
    'does not know how to': [400, 'M_UNSUPPORTED_ROOM_VERSION'],
  };
  const cases: [string, unknown, Told][] = [
    ...FAILURES.map(([what, answer, told]): [string, unknown, Told] => [what, answer, TELLING[what] ?? told]),
    ['tells that the user takes no invites', peerError(403, 'M_INVITE_BLOCKED'), [403, 'M_INVITE_BLOCKED']],
    ['does not sign', unsigned, [502, 'M_UNKNOWN']],
    ['signs another event', (event: Pdu) => signed(event, { depth: 99 }), [502, 'M_UNKNOWN']],
  ];
  test.each(cases)('%s', async (what, failure, expected) => {
    peer.answer((_method, path, body) => {
      if (!path.includes('/v2/invite/')) return undefined;
      const isSigning = failure === unsigned || what === 'signs another event';
      return isSigning ? (failure as (event: Pdu) => unknown)((body as { event: Pdu }).event) : failure;
    });
    const roomId = await romeo.createRoom({ room_version: '10' });
    const guest = `@guest:${peer.name}`;
    const answer = await romeo.attempt('POST', `/_matrix/client/v3/rooms/${enc(roomId)}/invite`, { user_id: guest });
    expect(told(answer)).toEqual(expected);
    expect((await romeo.state(roomId)).some((event) => event.state_key === guest)).toBe(false);
  });
});
