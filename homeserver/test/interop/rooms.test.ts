import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestUser } from '../kit/test-user.ts';
import { lacks, whyNot } from './limits.ts';
import {
  hasOtherSide,
  membersOf,
  otherSideName,
  roomPath,
  type Sides,
  startSides,
  stateIdsOf,
  syncUntil,
  textsOf,
  V3,
  WAIT,
} from './sides.ts';

const VERSIONS = ['6', '9', '10', '11', '12'];
const TIMEOUT_MS = 120_000;

describe.skipIf(!hasOtherSide).each([
  { direction: `${otherSideName} comes to us`, weHost: true },
  { direction: `we go to ${otherSideName}`, weHost: false },
])('$direction', { timeout: TIMEOUT_MS }, ({ weHost }) => {
  let sides: Sides;
  let host: TestUser;
  let guest: TestUser;
  let hostName: string;

  beforeAll(async () => {
    sides = await startSides();
    const [hosting, visiting] = weHost ? [sides.ours, sides.theirs] : [sides.theirs, sides.ours];
    hostName = hosting.name;
    host = await hosting.user('host');
    guest = await visiting.user('guest');
  });
  afterAll(async () => await sides[Symbol.asyncDispose]());

  const via = () => ({ via: [hostName] });
  const act = (user: TestUser, roomId: string, action: string, body: object = {}) =>
    user.call('POST', `${roomPath(roomId)}/${action}`, body);

  async function privateRoom(options: Record<string, unknown> = {}): Promise<string> {
    return await host.createRoom({ preset: 'private_chat', ...options });
  }
  async function sharedRoom(options: Record<string, unknown> = {}): Promise<string> {
    const roomId = await host.createRoom({ preset: 'public_chat', ...options });
    await guest.join(roomId, via());
    await expect.poll(() => membersOf(host, roomId), WAIT).toHaveProperty([guest.id], 'join');
    return roomId;
  }

  test.for(VERSIONS)('a public room of version %s is joined, and both hear each other', async (version, context) => {
    context.skip(version === '12' && lacks('rooms of version 12'), whyNot('rooms of version 12'));
    const roomId = await sharedRoom({ room_version: version });
    await host.send(roomId, 'from the host');
    await expect.poll(() => textsOf(guest, roomId), WAIT).toEqual(['from the host']);
    await guest.send(roomId, 'from the guest');
    await expect.poll(() => textsOf(host, roomId), WAIT).toEqual(['from the host', 'from the guest']);
    expect(await stateIdsOf(guest, roomId)).toEqual(await stateIdsOf(host, roomId));
  });

  test('what was said before a join is read backwards', async () => {
    const roomId = await host.createRoom({ preset: 'public_chat' });
    const said = Array.from({ length: 60 }, (_, index) => `line ${index}`);
    for (const line of said) await host.send(roomId, line);
    await guest.join(roomId, via());
    await expect.poll(() => textsOf(guest, roomId), { timeout: 60_000, interval: 500 }).toEqual(said);
  });

  test('an invite is seen, taken, and leads in', async () => {
    const roomId = await privateRoom({ name: 'behind the curtain' });
    await host.invite(roomId, guest.id);
    const invite = await syncUntil(guest, (body) => body.rooms?.invite?.[roomId]?.invite_state.events);
    expect(invite.find((event) => event.type === 'm.room.name')?.content['name']).toBe('behind the curtain');
    await guest.join(roomId);
    const eventId = await guest.send(roomId, 'here I am');
    await expect(host.nextMessage(roomId)).resolves.toMatchObject({ event_id: eventId, sender: guest.id });
  });

  test('an invite is refused, and the inviter sees it', async () => {
    const roomId = await privateRoom();
    await host.invite(roomId, guest.id);
    await syncUntil(guest, (body) => body.rooms?.invite?.[roomId]);
    await guest.leave(roomId);
    await expect.poll(() => membersOf(host, roomId), WAIT).toHaveProperty([guest.id], 'leave');
  });

  test('a room that is not open refuses', async () => {
    const roomId = await privateRoom();
    const answer = await guest.attempt('POST', `${V3}/join/${encodeURIComponent(roomId)}?via=${hostName}`, {});
    expect([answer.status, answer.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
  });

  test('who leaves is gone on the other side, and may come back', async () => {
    const roomId = await sharedRoom();
    await guest.leave(roomId);
    await expect.poll(() => membersOf(host, roomId), WAIT).toHaveProperty([guest.id], 'leave');
    const missed = await host.send(roomId, 'missed');
    await guest.join(roomId, via());
    await expect.poll(() => membersOf(host, roomId), WAIT).toHaveProperty([guest.id], 'join');
    const heard = await host.send(roomId, 'welcome back');
    const ids = async () => (await guest.messages(roomId)).map((event) => event.event_id);
    await expect.poll(ids, WAIT).toEqual(expect.arrayContaining([heard, missed]));
  });

  test('who is kicked or banned learns of it, and a ban holds', async () => {
    const roomId = await sharedRoom();
    const sending = async () =>
      (await guest.attempt('PUT', `${roomPath(roomId)}/send/m.room.message/${Math.random()}`, { msgtype: 'm.text', body: 'x' })).status;
    await act(host, roomId, 'kick', { user_id: guest.id, reason: 'out' });
    await expect.poll(sending, WAIT).toBe(403);
    await guest.join(roomId, via());
    await expect.poll(() => membersOf(host, roomId), WAIT).toHaveProperty([guest.id], 'join');
    await act(host, roomId, 'ban', { user_id: guest.id });
    await expect.poll(sending, WAIT).toBe(403);
    const answer = await guest.attempt('POST', `${V3}/join/${encodeURIComponent(roomId)}?via=${hostName}`, {});
    expect([answer.status, answer.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
    await act(host, roomId, 'unban', { user_id: guest.id });
    await guest.join(roomId, via());
  });

  test('who knocks is let in', async (context) => {
    context.skip(lacks('knocks'), whyNot('knocks'));
    const initial_state = [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }];
    const roomId = await privateRoom({ initial_state });
    await guest.call('POST', `${V3}/knock/${encodeURIComponent(roomId)}?via=${hostName}&server_name=${hostName}`, { reason: 'please' });
    await expect.poll(() => membersOf(host, roomId), WAIT).toHaveProperty([guest.id], 'knock');
    await host.invite(roomId, guest.id);
    await syncUntil(guest, (body) => body.rooms?.invite?.[roomId]);
    await guest.join(roomId);
  });

  test('a restricted room lets in the members of another', async () => {
    const club = await sharedRoom();
    const content = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: club }] };
    const roomId = await privateRoom({ initial_state: [{ type: 'm.room.join_rules', state_key: '', content }] });
    await guest.join(roomId, via());
    const join = (await host.state(roomId)).find((event) => event.state_key === guest.id);
    expect(join?.content).toMatchObject({ membership: 'join', join_authorised_via_users_server: host.id });
  });

  test('edits, reactions and redactions arrive', async () => {
    const roomId = await sharedRoom();
    const target = await host.send(roomId, 'tpyo');
    await expect.poll(() => textsOf(guest, roomId), WAIT).toEqual(['tpyo']);
    const newContent = { msgtype: 'm.text', body: 'typo' };
    await host.send(roomId, {
      msgtype: 'm.text',
      body: '* typo',
      'm.new_content': newContent,
      'm.relates_to': { rel_type: 'm.replace', event_id: target },
    });
    await guest.send(roomId, { 'm.relates_to': { rel_type: 'm.annotation', event_id: target, key: '👍' } }, 'm.reaction');
    const reactions = async () => (await host.messages(roomId)).filter((event) => event.type === 'm.reaction').length;
    await expect.poll(reactions, WAIT).toBe(1);
    await expect.poll(async () => (await textsOf(guest, roomId)).length, WAIT).toBe(2);
    await host.call('PUT', `${roomPath(roomId)}/redact/${encodeURIComponent(target)}/${Date.now()}`, { reason: 'never mind' });
    const shown = async () => (await guest.call('GET', `${roomPath(roomId)}/event/${encodeURIComponent(target)}`))['content'];
    await expect.poll(shown, WAIT).toEqual({});
  });

  test('power is respected on both sides', async () => {
    const roomId = await sharedRoom();
    const refused = await guest.attempt('PUT', `${roomPath(roomId)}/state/m.room.name/`, { name: 'mine' });
    expect(refused.status).toBe(403);
    const powers = (await host.state(roomId)).find((event) => event.type === 'm.room.power_levels')?.content ?? {};
    const users = { ...(powers['users'] as object), [guest.id]: 50 };
    await host.setState(roomId, 'm.room.power_levels', { ...powers, users });
    const rename = async () => (await guest.attempt('PUT', `${roomPath(roomId)}/state/m.room.name/`, { name: 'ours' })).status;
    await expect.poll(rename, WAIT).toBe(200);
    const name = async () => (await host.state(roomId)).find((event) => event.type === 'm.room.name')?.content['name'];
    await expect.poll(name, WAIT).toBe('ours');
  });

  test('typing, receipts and presence are told', async () => {
    const roomId = await sharedRoom();
    const eventId = await host.send(roomId, 'read me');
    await guest.nextMessage(roomId);
    await guest.call('PUT', `${roomPath(roomId)}/typing/${encodeURIComponent(guest.id)}`, { typing: true, timeout: 30_000 });
    await guest.call('POST', `${roomPath(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`, {});
    const seen = new Set<string>();
    await syncUntil(host, (body) => {
      for (const event of body.rooms?.join?.[roomId]?.ephemeral?.events ?? []) {
        if (JSON.stringify(event.content).includes(guest.id)) seen.add(event.type);
      }
      return seen.size === 2 ? true : undefined;
    });
    expect([...seen].sort()).toEqual(['m.receipt', 'm.typing']);
  });

  test('profiles, aliases and the list of public rooms are asked for across', async () => {
    await host.call('PUT', `${V3}/profile/${encodeURIComponent(host.id)}/displayname`, { displayname: 'The Host' });
    expect((await guest.call('GET', `${V3}/profile/${encodeURIComponent(host.id)}`))['displayname']).toBe('The Host');
    const alias = `interop-${Date.now()}`;
    const roomId = await host.createRoom({ preset: 'public_chat', visibility: 'public', room_alias_name: alias, name: alias });
    const found = await guest.call('GET', `${V3}/directory/room/${encodeURIComponent(`#${alias}:${hostName}`)}`);
    expect(found).toMatchObject({ room_id: roomId, servers: expect.arrayContaining([hostName]) });
    // Some servers list a room only a while after it was made.
    const search = () => guest.attempt('POST', `${V3}/publicRooms?server=${hostName}`, { filter: { generic_search_term: alias } });
    if ((await search()).status === 200) {
      const listed = async () => ((await search()).body['chunk'] as { room_id: string }[]).map((room) => room.room_id);
      await expect.poll(listed, WAIT).toContain(roomId);
    }
    expect(await guest.join(`#${alias}:${hostName}`)).toBe(roomId);
  });

  test('a space of the other side is walked', async () => {
    const child = await host.createRoom({ preset: 'public_chat', name: 'a child' });
    const space = await host.createRoom({
      preset: 'public_chat',
      creation_content: { type: 'm.space' },
      initial_state: [{ type: 'm.space.child', state_key: child, content: { via: [hostName] } }],
    });
    await guest.join(space, via());
    const walk = async () => {
      const { rooms } = (await guest.call('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(space)}/hierarchy`)) as {
        rooms: { room_id: string }[];
      };
      return rooms.map((room) => room.room_id);
    };
    await expect.poll(walk, WAIT).toEqual([space, child]);
  });

  test('an upgraded room leads to the new one', async () => {
    const roomId = await sharedRoom({ room_version: '10' });
    const { replacement_room: replacement } = await host.call('POST', `${roomPath(roomId)}/upgrade`, { new_version: '11' });
    const tombstone = async () =>
      (await guest.state(roomId)).find((event) => event.type === 'm.room.tombstone')?.content['replacement_room'];
    await expect.poll(tombstone, WAIT).toBe(replacement);
    expect(await guest.join(String(replacement), via())).toBe(replacement);
    const create = (await guest.state(String(replacement))).find((event) => event.type === 'm.room.create');
    expect(create?.content['predecessor']).toMatchObject({ room_id: roomId });
  });
});
