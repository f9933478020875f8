import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { TEST_PASSWORD, type TestUser } from '../kit/test-user.ts';
import { V3 } from './sign-up-steps.ts';

const deactivate = (user: TestUser, erase: boolean) =>
  user.call('POST', `${V3}/account/deactivate`, {
    erase,
    auth: { type: 'm.login.password', identifier: { type: 'm.id.user', user: user.id }, password: TEST_PASSWORD },
  });
const contentOf = async (reader: TestUser, roomId: string, eventId: string) =>
  (await reader.messages(roomId)).find((event) => event.event_id === eventId)?.content;

test('what an erased person said is seen by who was there, and by nobody who comes later', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const nurse = await server.user('nurse');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const root = await romeo.send(roomId, 'root');
  const said = await juliet.send(roomId, {
    msgtype: 'm.text',
    body: 'wherefore art thou',
    'm.relates_to': { rel_type: 'm.thread', event_id: root },
  });
  await deactivate(juliet, true);
  await nurse.join(roomId);

  const seenByNurse = async () => {
    expect(await contentOf(nurse, roomId, said)).toEqual({});
    const path = `${V3}/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(said)}`;
    expect((await nurse.call('GET', path))['content']).toEqual({});
    expect(JSON.stringify(await nurse.messages(roomId)), 'nor in a thread').not.toContain('wherefore');
    expect(JSON.stringify(await nurse.sync({ since: '' }))).not.toContain('wherefore');
  };
  expect(await contentOf(romeo, roomId, said)).toMatchObject({ body: 'wherefore art thou' });
  await seenByNurse();
  await server.restart();
  await seenByNurse();
});

test('who leaves without asking to be erased is still heard', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const nurse = await server.user('nurse');
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  await nurse.join(roomId);
  const said = await juliet.send(roomId, 'parting is such sweet sorrow');
  await deactivate(juliet, false);
  await romeo.join(roomId);
  expect(await contentOf(romeo, roomId, said)).toMatchObject({ body: 'parting is such sweet sorrow' });
});
