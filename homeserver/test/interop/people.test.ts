import { expect, test } from 'vitest';
import type { TestUser } from '../kit/test-user.ts';
import { describeBothWays } from './both-ways.ts';
import { lacks, whyNot } from './limits.ts';
import { roomPath, syncUntil, textsOf, V3, WAIT } from './sides.ts';

const encode = encodeURIComponent;
type Ephemeral = { type: string; content: Record<string, unknown> };

describeBothWays((stage) => {
  /** Goes on with syncs until one of the room's passing events is as wanted. */
  const hears = (user: TestUser, roomId: string, find: (event: Ephemeral) => boolean) =>
    syncUntil(user, (body) => body.rooms?.join?.[roomId]?.ephemeral?.events.find(find));
  const putProfile = (user: TestUser, field: string, value: unknown) =>
    user.call('PUT', `${V3}/profile/${encode(user.id)}/${field}`, { [field]: value });
  const profileOf = async (asker: TestUser, user: TestUser, field = '') =>
    await asker.attempt('GET', `${V3}/profile/${encode(user.id)}${field === '' ? '' : `/${field}`}`);

  test('typing begins and ends', async () => {
    const { host, guest, sharedRoom } = stage;
    const roomId = await sharedRoom();
    const type = (typing: boolean) =>
      guest.call('PUT', `${roomPath(roomId)}/typing/${encode(guest.id)}`, { typing, ...(typing ? { timeout: 30_000 } : {}) });
    await type(true);
    await hears(host, roomId, (event) => event.type === 'm.typing' && (event.content['user_ids'] as string[]).includes(guest.id));
    await type(false);
    await hears(host, roomId, (event) => event.type === 'm.typing' && (event.content['user_ids'] as string[]).length === 0);
  });

  test('what was read is told by thread, and what is private is not', async (context) => {
    context.skip(lacks('receipts by thread'), whyNot('receipts by thread'));
    const { host, guest, sharedRoom } = stage;
    const roomId = await sharedRoom();
    const root = await host.send(roomId, 'root');
    const relation = { 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
    const inThread = await host.send(roomId, { msgtype: 'm.text', body: 'in the thread', ...relation });
    const last = await host.send(roomId, 'last');
    await expect.poll(() => textsOf(guest, roomId), WAIT).toContain('last');
    const read = (type: string, eventId: string, body: object) =>
      guest.call('POST', `${roomPath(roomId)}/receipt/${type}/${encode(eventId)}`, body);
    await read('m.read.private', last, {});
    await read('m.read', inThread, { thread_id: root });
    await read('m.read', last, { thread_id: 'main' });
    const threads = new Map<string, unknown>();
    await syncUntil(host, (body) => {
      const events = body.rooms?.join?.[roomId]?.ephemeral?.events ?? [];
      for (const { type, content } of events.filter((event) => event.type === 'm.receipt')) {
        expect(type).toBe('m.receipt');
        for (const [eventId, kinds] of Object.entries(content as Record<string, Record<string, Record<string, { thread_id?: string }>>>)) {
          expect(Object.keys(kinds)).not.toContain('m.read.private');
          const receipt = kinds['m.read']?.[guest.id];
          if (receipt !== undefined) threads.set(eventId, receipt.thread_id);
        }
      }
      return threads.size >= 2 ? true : undefined;
    });
    expect(Object.fromEntries(threads)).toEqual({ [inThread]: root, [last]: 'main' });
  });

  test('who is there is told, with what they say of themselves', async () => {
    const { host, guest, sharedRoom } = stage;
    await sharedRoom();
    const status = `reading ${Date.now()}`;
    await guest.call('PUT', `${V3}/presence/${encode(guest.id)}/status`, { presence: 'online', status_msg: status });
    const told = await syncUntil(host, (body) => {
      const events = body.presence?.events ?? [];
      return events.find((event) => event.sender === guest.id && event.content['status_msg'] === status);
    });
    expect(told.content).toMatchObject({ presence: 'online' });
  });

  test('a profile is read field by field, and whole', async () => {
    const { host, guest } = stage;
    await putProfile(host, 'displayname', 'Mercutio');
    await putProfile(host, 'avatar_url', 'mxc://example.test/mask');
    expect((await profileOf(guest, host)).body).toMatchObject({ displayname: 'Mercutio', avatar_url: 'mxc://example.test/mask' });
    expect((await profileOf(guest, host, 'avatar_url')).body).toEqual({ avatar_url: 'mxc://example.test/mask' });
    const nobody = await guest.attempt('GET', `${V3}/profile/${encode(`@nobody-${Date.now()}:${stage.hosting.name}`)}`);
    expect([nobody.status, nobody.body['errcode']]).toEqual([404, 'M_NOT_FOUND']);
  });

  test('a field of a profile that somebody thought of is read across', async (context) => {
    context.skip(lacks('fields of profiles'), whyNot('fields of profiles'));
    const { host, guest } = stage;
    const field = 'org.example.hat';
    const put = await host.attempt('PUT', `${V3}/profile/${encode(host.id)}/${field}`, { [field]: { feathers: 3 } });
    const unstable = `/_matrix/client/unstable/uk.tcpip.msc4133/profile/${encode(host.id)}/${field}`;
    if (put.status !== 200 && (await host.attempt('PUT', unstable, { [field]: { feathers: 3 } })).status !== 200) context.skip();
    expect((await profileOf(guest, host, field)).body).toEqual({ [field]: { feathers: 3 } });
    const unset = await profileOf(guest, host, 'org.example.cloak');
    expect([unset.status, unset.body['errcode']]).toEqual([404, 'M_NOT_FOUND']);
  });

  test('a new picture is told to the rooms', async () => {
    const { host, guest, sharedRoom } = stage;
    const roomId = await sharedRoom();
    await putProfile(guest, 'avatar_url', 'mxc://example.test/cape');
    const picture = async () => (await host.state(roomId)).find((event) => event.state_key === guest.id)?.content['avatar_url'];
    await expect.poll(picture, WAIT).toBe('mxc://example.test/cape');
  });

  test('a token proves to the other server who somebody is', async () => {
    const { host, hosting } = stage;
    const { access_token: token } = await host.call('POST', `${V3}/user/${encode(host.id)}/openid/request_token`, {});
    const answer = await fetch(`${hosting.url}/_matrix/federation/v1/openid/userinfo?access_token=${encode(String(token))}`);
    expect(await answer.json()).toEqual({ sub: host.id });
  });
});
