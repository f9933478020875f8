import { expect, test } from 'vitest';
import { startMailCatcher } from './mail-catcher.ts';
import { startServer } from './start-server.ts';
import { startServerProcess } from './start-server-process.ts';
import { startServers } from './start-servers.ts';
import { callServer } from './test-user.ts';

test('a server starts on a database of its own, and again on the same data', async () => {
  await using server = await startServer();
  await expect(callServer(server.url, 'GET', '/_matrix/client/versions')).resolves.toMatchObject({ status: 200 });
  await server.restart();
  await expect(callServer(server.url, 'GET', '/health')).resolves.toMatchObject({ status: 200, body: { status: 'ok' } });
});

test('two servers have TLS certificates of the same authority', async () => {
  await using servers = await startServers(2);
  const { Agent, request } = await import('undici');
  const { readFile } = await import('node:fs/promises');
  await using agent = Object.assign(new Agent({ connect: { ca: await readFile(servers.ca.caFile, 'utf8') } }), {
    [Symbol.asyncDispose]: () => agent.close(),
  });
  for (const { name } of servers.list) {
    const response = await request(`https://${name}/_matrix/client/versions`, { dispatcher: agent });
    expect(response.statusCode).toBe(200);
    await response.body.dump();
  }
});

test('a server in a process of its own can be killed and started again', async () => {
  await using server = await startServerProcess();
  await expect(server.end('SIGKILL')).resolves.toBe('SIGKILL');
  await server.start();
  await expect(callServer(server.url, 'GET', '/health')).resolves.toMatchObject({ status: 200 });
  await expect(server.end('SIGTERM')).resolves.toBe(0);
});

test('the mail catcher is a real SMTP server', async () => {
  await using catcher = await startMailCatcher();
  const { createTransport } = await import('nodemailer');
  await createTransport(catcher.url).sendMail({ from: 'hs@hs.test', to: 'romeo@hs.test', subject: 'hark', text: 'what light' });
  await expect(catcher.nextMail('romeo@hs.test')).resolves.toMatchObject({ subject: 'hark' });
});
