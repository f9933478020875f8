import { expect, test } from 'vitest';
import { startAppservice } from '../kit/start-appservice.ts';
import { startServerProcess } from '../kit/start-server-process.ts';

const CLIENT = '/_matrix/client/v3';

test('killed in the middle of a transaction, the server sends the same one again, and then what came after it, once each', async () => {
  await using irc = await startAppservice();
  await using server = await startServerProcess({ env: { BLINKCHAT_APPSERVICES: irc.file } });
  const romeo = await server.user('romeo');
  const registration = { type: 'm.login.application_service', username: '_irc_ghost', inhibit_login: true };
  await irc.call(server.url, 'POST', `${CLIENT}/register`, registration);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await irc.call(server.url, 'POST', `${CLIENT}/join/${encodeURIComponent(roomId)}`, {}, { userId: '@_irc_ghost:hs.test' });
  const bodies = () =>
    irc
      .events()
      .filter(({ type }) => type === 'm.room.message')
      .map(({ content }) => (content as { body: string }).body);

  for (let round = 0; round < 2; round += 1) {
    // The service hears of the transaction, and its answer never arrives.
    const silence = Promise.withResolvers<undefined>();
    const first = `${round} first`;
    irc.answer = ({ body }) => (JSON.stringify(body).includes(first) ? silence.promise.then(() => ({ status: 500 })) : undefined);
    await romeo.send(roomId, first);
    await irc.until(() => irc.calls.some(({ body }) => JSON.stringify(body).includes(first)), 'the transaction');
    const cutOff = irc.calls.findLast(({ body }) => JSON.stringify(body).includes(first));
    for (const more of ['second', 'third']) await romeo.send(roomId, `${round} ${more}`);
    await server.end('SIGKILL');
    silence.resolve(undefined);
    irc.answer = undefined;
    await server.start();

    await irc.until(() => bodies().includes(`${round} third`), 'the last message');
    const again = irc.calls.findLast(({ path }) => path === cutOff?.path);
    expect(again?.body).toEqual(cutOff?.body);
  }
  const wanted = [0, 1].flatMap((round) => ['first', 'second', 'third'].map((which) => `${round} ${which}`));
  expect(bodies()).toEqual(wanted);
});
