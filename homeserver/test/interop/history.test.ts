import { expect, test } from 'vitest';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';
import { agreed, describeBothWays } from './both-ways.ts';
import { isTheirs, lacks, whyNot } from './limits.ts';
import { roomPath, syncUntil, textsOf, WAIT } from './sides.ts';
import { viewOf } from './views.ts';

const LINES = 240;
const encode = encodeURIComponent;

describeBothWays((stage) => {
  const redact = (user: TestUser, roomId: string, eventId: string) =>
    user.call('PUT', `${roomPath(roomId)}/redact/${encode(eventId)}/r${eventId.slice(1, 10)}`, { reason: 'over' });
  const reply = (target: string, rel: object, body: string) => ({ msgtype: 'm.text', body, 'm.relates_to': { event_id: target, ...rel } });

  test('a long history with threads, edits, reactions and removals is read alike', async () => {
    const { host, guest, via } = stage;
    const roomId = await host.createRoom({ preset: 'public_chat' });
    const root = await host.send(roomId, 'root');
    for (let line = 0; line < LINES; line += 1) {
      const eventId = await host.send(roomId, `line ${line}`);
      if (line % 20 === 1) await redact(host, roomId, eventId);
      if (line % 20 === 2)
        await host.send(roomId, { 'm.relates_to': { rel_type: 'm.annotation', event_id: eventId, key: 'k' } }, 'm.reaction');
      if (line % 20 === 3) {
        const edit = { 'm.new_content': { msgtype: 'm.text', body: `edited ${line}` } };
        await host.send(roomId, { ...reply(eventId, { rel_type: 'm.replace' }, '* edit'), ...edit });
      }
      if (line % 20 === 4) await host.send(roomId, reply(root, { rel_type: 'm.thread' }, `thread ${line}`));
      if (line % 20 === 5) await host.setState(roomId, 'm.room.topic', { topic: `topic ${line}` });
    }
    await guest.join(roomId, via);
    const history = async (user: TestUser) => [...(await viewOf(user, roomId)).history].sort();
    const told = await agreed(history, [host, guest]);
    expect(told.length).toBeGreaterThan(LINES);
    if (isTheirs(guest) && lacks('relations found in the history')) return;
    const thread = async (user: TestUser) => {
      const path = `/_matrix/client/v1/rooms/${encode(roomId)}/relations/${encode(root)}/m.thread?limit=50`;
      return ((await user.call('GET', path))['chunk'] as ClientEvent[]).map((event) => event.event_id).sort();
    };
    await expect.poll(async () => await thread(guest), WAIT).toEqual(await thread(host));
  });

  test('what was removed while a guest was away is removed for it too', async (context) => {
    const { host, guest, via, sharedRoom, seen } = stage;
    context.skip(isTheirs(guest) && lacks('redactions found in the history'), whyNot('redactions found in the history'));
    const roomId = await sharedRoom();
    const eventId = await host.send(roomId, 'regretted');
    await expect.poll(() => textsOf(guest, roomId), WAIT).toContain('regretted');
    await guest.leave(roomId);
    await seen(host, roomId, guest.id, 'leave');
    await redact(host, roomId, eventId);
    for (let line = 0; line < 30; line += 1) await host.send(roomId, `meanwhile ${line}`);
    await guest.join(roomId, via);
    const history = async (user: TestUser) =>
      [...(await viewOf(user, roomId)).history].filter(([, told]) => /message|redaction/.test(told)).sort();
    await agreed(history, [host, guest]);
  });

  test.each([
    ['shared', true, true],
    ['world_readable', true, true],
    ['invited', false, true],
    ['joined', false, false],
  ])('history that is %s', async (visibility, before, invited) => {
    const { host, guest, visiting } = stage;
    const witness = await visiting.user('witness');
    const roomId = await host.createRoom({
      preset: 'private_chat',
      initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: visibility } }],
    });
    await host.send(roomId, 'before');
    for (const user of [witness, guest]) {
      await host.invite(roomId, user.id);
      await syncUntil(user, (body) => body.rooms?.invite?.[roomId]);
    }
    await host.send(roomId, 'invited');
    await guest.join(roomId);
    await host.send(roomId, 'joined');
    await expect.poll(() => textsOf(guest, roomId), WAIT).toContain('joined');
    const texts = [...(before ? ['before'] : []), ...(invited ? ['invited'] : []), 'joined'];
    await expect.poll(() => textsOf(guest, roomId), WAIT).toEqual(texts);
    await witness.join(roomId);
    await stage.seen(host, roomId, witness.id, 'join');
    await host.send(roomId, 'both');
    const later = [...(before ? ['before'] : []), ...(invited ? ['invited', 'joined'] : []), 'both'];
    await expect.poll(() => textsOf(witness, roomId), WAIT).toEqual(later);
    expect(await textsOf(guest, roomId)).toEqual([...texts, 'both']);
  });

  test('an event is found by its time, and around it by context', async (context) => {
    const { host, guest, via } = stage;
    context.skip(isTheirs(guest) && lacks('events by time'), whyNot('events by time'));
    const roomId = await host.createRoom({ preset: 'public_chat' });
    const ids: string[] = [];
    for (let line = 0; line < 30; line += 1) ids.push(await host.send(roomId, `line ${line}`));
    await guest.join(roomId, via);
    const start = (await host.messages(roomId, { limit: 100 })).find((event) => event.event_id === ids[0]);
    const path = `/_matrix/client/v1/rooms/${encode(roomId)}/timestamp_to_event?ts=${start?.origin_server_ts}&dir=f`;
    const found = async () => (await guest.attempt('GET', path)).body['event_id'];
    await expect.poll(found, WAIT).toBe(ids[0]);
    await expect.poll(() => textsOf(guest, roomId), WAIT).toContain('line 0');
    const around = async () => (await guest.attempt('GET', `${roomPath(roomId)}/context/${encode(ids[5] ?? '')}?limit=4`)).body['event'];
    await expect.poll(around, WAIT).toMatchObject({ event_id: ids[5] });
  });
});
