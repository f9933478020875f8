import { expect, test } from 'vitest';
import type { TestUser } from '../kit/test-user.ts';
import { describeBothWays } from './both-ways.ts';
import { isTheirs, lacks, whyNot } from './limits.ts';
import { roomPath, V3, WAIT } from './sides.ts';

const encode = encodeURIComponent;
type Listed = { room_id: string; name?: string };

describeBothWays((stage) => {
  const resolve = (user: TestUser, alias: string) => user.attempt('GET', `${V3}/directory/room/${encode(alias)}`);
  const walk = async (user: TestUser, space: string) => {
    const path = `/_matrix/client/v1/rooms/${encode(space)}/hierarchy`;
    const ids = ((await user.call('GET', path))['rooms'] as Listed[]).map((room) => room.room_id);
    return isTheirs(user) && lacks('spaces without repetition') ? [...new Set(ids)] : ids;
  };

  test('an alias that is made is found, and one that is taken away is not', async () => {
    const { host, guest, hosting } = stage;
    const roomId = await host.createRoom({ preset: 'public_chat' });
    const alias = `#made-${Date.now()}:${hosting.name}`;
    const before = await resolve(guest, alias);
    const unknown = isTheirs(guest) && lacks('status of unknown aliases') ? [500, undefined] : [404, 'M_NOT_FOUND'];
    expect([before.status, before.body['errcode']]).toEqual(unknown);
    await host.call('PUT', `${V3}/directory/room/${encode(alias)}`, { room_id: roomId });
    expect((await resolve(guest, alias)).body).toMatchObject({ room_id: roomId });
    await host.call('DELETE', `${V3}/directory/room/${encode(alias)}`);
    expect((await resolve(guest, alias)).status).toBe(unknown[0]);
  });

  test('public rooms are searched and paged through across', async (context) => {
    const { host, guest, hosting } = stage;
    context.skip(isTheirs(host) && lacks('searches of public rooms'), whyNot('searches of public rooms'));
    const word = `word${Date.now()}`;
    const rooms: string[] = [];
    for (const number of [1, 2, 3]) {
      rooms.push(await host.createRoom({ preset: 'public_chat', visibility: 'public', name: `${word} ${number}`, topic: 'a topic' }));
    }
    const path = `${V3}/publicRooms?server=${hosting.name}`;
    const list = (body: object) => guest.attempt('POST', path, body);
    const first = await list({ filter: { generic_search_term: word } });
    if (first.status !== 200) context.skip();
    const ids = (body: Record<string, unknown>) => (body['chunk'] as Listed[]).map((room) => room.room_id);
    expect(ids(first.body).sort()).toEqual([...rooms].sort());
    const seen: string[] = [];
    let since: unknown;
    for (let page = 0; page < 5; page += 1) {
      const { status, body } = await list({ limit: 2, filter: { generic_search_term: word }, ...(since === undefined ? {} : { since }) });
      expect(status).toBe(200);
      seen.push(...ids(body));
      since = body['next_batch'];
      if (since === undefined) break;
    }
    expect([...new Set(seen)].sort()).toEqual([...rooms].sort());
    expect((await guest.call('GET', `${path}&limit=1`))['chunk']).toHaveLength(1);
  });

  test('a space leads to rooms of both servers, and hides what is not for the visitor', async () => {
    const { host, guest, hosting, visiting, via } = stage;
    const open = await host.createRoom({ preset: 'public_chat', name: 'open' });
    const hidden = await host.createRoom({ preset: 'private_chat', name: 'hidden' });
    const far = await guest.createRoom({ preset: 'public_chat', name: 'far' });
    const inner = await host.createRoom({ preset: 'public_chat', creation_content: { type: 'm.space' } });
    const deep = await host.createRoom({ preset: 'public_chat', name: 'deep' });
    const space = await host.createRoom({ preset: 'public_chat', creation_content: { type: 'm.space' } });
    const lead = (from: string, to: string, server: string) => host.setState(from, 'm.space.child', { via: [server] }, to);
    for (const child of [open, hidden, inner]) await lead(space, child, hosting.name);
    await lead(space, far, visiting.name);
    await lead(inner, deep, hosting.name);
    const members = await host.createRoom({
      preset: 'private_chat',
      room_version: '10',
      initial_state: [
        {
          type: 'm.room.join_rules',
          state_key: '',
          content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: space }] },
        },
      ],
    });
    await lead(space, members, hosting.name);
    await guest.join(space, via);
    const forGuest = async () => (await walk(guest, space)).sort();
    await expect.poll(forGuest, WAIT).toEqual([space, open, inner, deep, far, members].sort());
    const forHost = async () => (await walk(host, space)).sort();
    await expect.poll(forHost, WAIT).toEqual([space, open, hidden, inner, deep, far, members].sort());
  });

  test('an upgrade takes along the alias, and those who follow', async () => {
    const { host, guest, via, sharedRoom, hosting } = stage;
    const local = `moving-${Date.now()}`;
    const roomId = await sharedRoom({ room_version: '9', room_alias_name: local, name: 'moving' });
    const { replacement_room: replacement } = await host.call('POST', `${roomPath(roomId)}/upgrade`, { new_version: '10' });
    const alias = `#${local}:${hosting.name}`;
    await expect.poll(async () => (await resolve(guest, alias)).body['room_id'], WAIT).toBe(replacement);
    expect(await guest.join(alias)).toBe(replacement);
    await host.send(roomId, 'we moved'); // not every server tells of the new power levels before the next event
    await expect.poll(async () => (await guest.attempt('PUT', `${roomPath(roomId)}/send/m.x/${Math.random()}`, {})).status, WAIT).toBe(403);
    const power = async () => (await guest.state(roomId)).find((event) => event.type === 'm.room.power_levels')?.content['events_default'];
    await expect.poll(power, WAIT).toBeGreaterThanOrEqual(50);
    await expect(guest.join(String(replacement), via)).resolves.toBe(replacement);
  });

  test('a room is described before it is joined', async (context) => {
    const { host, guest, hosting } = stage;
    const roomId = await host.createRoom({ preset: 'public_chat', name: 'described', topic: 'well' });
    const path = `/_matrix/client/v1/room_summary/${encode(roomId)}?via=${hosting.name}`;
    const unstable = `/_matrix/client/unstable/im.nheko.summary/summary/${encode(roomId)}?via=${hosting.name}`;
    const answers = [await guest.attempt('GET', path), await guest.attempt('GET', unstable)];
    const found = answers.find((answer) => answer.status === 200);
    if (found === undefined && stage.weHost) context.skip();
    expect(found?.body).toMatchObject({ room_id: roomId, name: 'described', num_joined_members: 1, join_rule: 'public' });
  });
});
