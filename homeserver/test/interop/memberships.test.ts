import { expect, test } from 'vitest';
import type { TestUser } from '../kit/test-user.ts';
import { describeBothWays } from './both-ways.ts';
import { isTheirs, lacks, whyNot } from './limits.ts';
import { empower, powersOf, roomPath, stateIdsOf, syncUntil, textsOf, V3, WAIT } from './sides.ts';

const VERSIONS = ['1', '2', '3', '4', '5', '7', '8'];
const encode = encodeURIComponent;

describeBothWays((stage) => {
  const joinAttempt = (user: TestUser, roomId: string, server: string) =>
    user.attempt('POST', `${V3}/join/${encode(roomId)}?via=${server}&server_name=${server}`, {});
  const allowing = (rule: string, roomId: string) => ({
    type: 'm.room.join_rules',
    state_key: '',
    content: { join_rule: rule, allow: [{ type: 'm.room_membership', room_id: roomId }] },
  });
  const reasonOf = async (user: TestUser, roomId: string, userId: string) =>
    (await user.state(roomId)).find((event) => event.state_key === userId)?.content['reason'];

  test.each(VERSIONS)('a room of version %s: coming, speaking, being put out, and back', async (room_version) => {
    const { host, guest, act, seen, via, sharedRoom } = stage;
    const roomId = await sharedRoom({ room_version });
    await host.send(roomId, 'from the host');
    await guest.send(roomId, 'from the guest');
    const said = ['from the guest', 'from the host'];
    for (const user of [host, guest]) await expect.poll(async () => (await textsOf(user, roomId)).sort(), WAIT).toEqual(said);
    const eventId = await host.send(roomId, 'a slip');
    await expect.poll(() => textsOf(guest, roomId), WAIT).toContain('a slip');
    await host.call('PUT', `${roomPath(roomId)}/redact/${encode(eventId)}/r${Date.now()}`, {});
    await expect.poll(() => textsOf(guest, roomId), WAIT).not.toContain('a slip');
    await act(host, roomId, 'kick', { user_id: guest.id, reason: 'out' });
    await expect.poll(async () => (await guest.attempt('PUT', `${roomPath(roomId)}/send/m.x/${Math.random()}`, {})).status, WAIT).toBe(403);
    await guest.join(roomId, via);
    await seen(host, roomId, guest.id, 'join');
    await expect.poll(() => stateIdsOf(guest, roomId), WAIT).toEqual(await stateIdsOf(host, roomId));
  });

  test('an invite that is taken back is gone', async () => {
    const { host, guest, act, hosting } = stage;
    const roomId = await host.createRoom({ preset: 'private_chat' });
    await host.invite(roomId, guest.id);
    await syncUntil(guest, (body) => body.rooms?.invite?.[roomId]);
    await act(host, roomId, 'kick', { user_id: guest.id, reason: 'a mistake' });
    if (!lacks('invites taken back')) await syncUntil(guest, (body) => body.rooms?.leave?.[roomId]);
    const answer = await joinAttempt(guest, roomId, hosting.name);
    expect([answer.status, answer.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
    await host.invite(roomId, guest.id);
    await syncUntil(guest, (body) => body.rooms?.invite?.[roomId]);
    await guest.join(roomId);
    await expect.poll(() => stateIdsOf(guest, roomId), WAIT).toEqual(await stateIdsOf(host, roomId));
  });

  test('who is banned before coming cannot come, and can once that is lifted', async () => {
    const { host, guest, act, via, hosting, seen } = stage;
    const roomId = await host.createRoom({ preset: 'public_chat' });
    await act(host, roomId, 'ban', { user_id: guest.id, reason: 'known' });
    expect((await joinAttempt(guest, roomId, hosting.name)).status).toBe(403);
    await act(host, roomId, 'unban', { user_id: guest.id });
    await guest.join(roomId, via);
    await seen(host, roomId, guest.id, 'join');
  });

  test('a guest with power puts out, bans and lets back people of the host’s server', async () => {
    const { host, guest, act, hosting, seen, sharedRoom } = stage;
    const roomId = await sharedRoom();
    await empower(host, roomId, { [guest.id]: 60 });
    const tybalt = await hosting.user('tybalt');
    await tybalt.join(roomId);
    await seen(guest, roomId, tybalt.id, 'join');
    await act(guest, roomId, 'kick', { user_id: tybalt.id, reason: 'brawling' });
    await seen(host, roomId, tybalt.id, 'leave');
    expect(await reasonOf(host, roomId, tybalt.id)).toBe('brawling');
    await act(guest, roomId, 'ban', { user_id: tybalt.id });
    await seen(host, roomId, tybalt.id, 'ban');
    expect((await tybalt.attempt('POST', `${roomPath(roomId)}/join`, {})).status).toBe(403);
    await act(guest, roomId, 'unban', { user_id: tybalt.id });
    await seen(host, roomId, tybalt.id, 'leave');
    await guest.invite(roomId, tybalt.id);
    await seen(host, roomId, tybalt.id, 'invite');
    await tybalt.join(roomId);
    await seen(guest, roomId, tybalt.id, 'join');
  });

  test('a knock is refused, and another one is taken back', async (context) => {
    context.skip(lacks('knocks'), whyNot('knocks'));
    const { host, guest, act, hosting, seen } = stage;
    const roomId = await host.createRoom({
      preset: 'private_chat',
      name: 'the vault',
      room_version: '10', // by whose id a server finds where to take the knock back
      initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
    });
    const knock = () =>
      guest.call('POST', `${V3}/knock/${encode(roomId)}?via=${hosting.name}&server_name=${hosting.name}`, { reason: 'hm' });
    await knock();
    await seen(host, roomId, guest.id, 'knock');
    await act(host, roomId, 'kick', { user_id: guest.id, reason: 'no' });
    await seen(host, roomId, guest.id, 'leave');
    // Not every server tells that of a server that is not in the room.
    await knock();
    await seen(host, roomId, guest.id, 'knock');
    await guest.leave(roomId);
    if (!stage.weHost) await seen(host, roomId, guest.id, 'leave'); // servers in use keep that to themselves
  });

  test.each(['restricted', 'knock_restricted'])('a %s room lets in by either server’s word', async (rule) => {
    const { host, guest, hosting, visiting, act, via, seen, sharedRoom } = stage;
    const club = await sharedRoom();
    const roomId = await host.createRoom({ preset: 'private_chat', initial_state: [allowing(rule, club)], room_version: '10' });
    await guest.join(roomId, via);
    await seen(host, roomId, guest.id, 'join');
    await empower(host, roomId, { [guest.id]: 100 });
    const level = async () => (await powersOf(guest, roomId)).users[guest.id];
    await expect.poll(level, WAIT).toBe(100);
    await host.leave(roomId);
    await seen(guest, roomId, host.id, 'leave');

    const romeo = await hosting.user('romeo');
    const stranger = await hosting.user('stranger');
    await romeo.join(club);
    await seen(guest, club, romeo.id, 'join');
    expect((await joinAttempt(romeo, roomId, visiting.name)).status).toBe(200);
    await seen(guest, roomId, romeo.id, 'join');
    const join = (await guest.state(roomId)).find((event) => event.state_key === romeo.id);
    expect(join?.content['join_authorised_via_users_server']).toBe(guest.id);
    const refused = isTheirs(stranger) && lacks('status of refused restricted joins') ? [403, 500] : [403];
    expect(refused).toContain((await joinAttempt(stranger, roomId, visiting.name)).status);

    await act(guest, roomId, 'kick', { user_id: romeo.id });
    await expect.poll(async () => (await romeo.attempt('GET', `${roomPath(roomId)}/members`)).status, WAIT).toBeLessThan(404);
    await romeo.leave(club);
    await seen(guest, club, romeo.id, 'leave');
    expect(refused).toContain((await joinAttempt(romeo, roomId, visiting.name)).status);
  });

  test('a list of servers that a room keeps out is kept to by both', async () => {
    const { host, guest, visiting, sharedRoom } = stage;
    const roomId = await sharedRoom();
    await host.setState(roomId, 'm.room.server_acl', { allow: ['*'], deny: [visiting.name], allow_ip_literals: true });
    const acl = async () => (await guest.state(roomId)).find((event) => event.type === 'm.room.server_acl')?.content['deny'];
    await host.send(roomId, 'they are out');
    await guest.send(roomId, 'unheard').catch(() => undefined);
    await host.setState(roomId, 'm.room.server_acl', { allow: ['*'], deny: ['elsewhere.test'], allow_ip_literals: true });
    await host.send(roomId, 'they are in again');
    await expect.poll(() => textsOf(guest, roomId), WAIT).toContain('they are in again');
    await expect.poll(acl, WAIT).toEqual(['elsewhere.test']);
    await guest.send(roomId, 'heard');
    await expect.poll(() => textsOf(host, roomId), WAIT).toContain('heard');
  });

  test('who is gone for good is gone everywhere', async () => {
    const { host, guest, sharedRoom, seen, visiting } = stage;
    const roomId = await sharedRoom();
    const second = await visiting.user('second');
    await second.join(roomId);
    await seen(host, roomId, second.id, 'join');
    await guest.leave(roomId);
    await second.leave(roomId);
    await seen(host, roomId, second.id, 'leave');
    await guest.call('POST', `${roomPath(roomId)}/forget`, {});
    const shown = isTheirs(guest) && lacks('rooms that are forgotten') ? 200 : 403;
    expect((await guest.attempt('GET', `${roomPath(roomId)}/state`)).status).toBe(shown);
  });
});
