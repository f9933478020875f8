import { expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { startAppservice } from '../kit/start-appservice.ts';
import { startServer } from '../kit/start-server.ts';

const TIMEOUT_MS = 120_000;

test('a service that takes a ping and says nothing is told to have run out of time', { timeout: TIMEOUT_MS }, async () => {
  await using cleanup = createCleanup();
  const silent = cleanup.use(await startAppservice({ id: 'silent' }));
  const server = cleanup.use(await startServer({ config: { appservices: [silent.file] } }));
  const never = Promise.withResolvers<undefined>();
  silent.answer = ({ path }) => (path.endsWith('/ping') ? never.promise : undefined);
  const ping = silent.call(server.url, 'POST', '/_matrix/client/v1/appservice/silent/ping', { transaction_id: 'hello' });
  await expect(ping).resolves.toMatchObject({ status: 504, body: { errcode: 'M_CONNECTION_TIMEOUT' } });
  never.resolve(undefined);
});
