import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { freePort } from '../kit/free-port.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { createTestCa } from '../kit/test-ca.ts';
import type { TestUser } from '../kit/test-user.ts';
import { createGates, type Gates } from './gates.ts';
import { membersOf, otherSideName, registerBySecret, stateIdsOf, textsOf } from './sides.ts';

/**
 * Two further homeservers, each as `<client URL> <server name> <its TLS port>`, with a comma between them. Their names are `localhost:<port>`,
 * where nobody listens: the scenes put gates there. Both take the registration secret of the other scenes.
 */
const { BLINKCHAT_INTEROP_TRIO, BLINKCHAT_INTEROP_REGISTRATION_SECRET: secret = '' } = process.env;
const others = (BLINKCHAT_INTEROP_TRIO ?? '').split(',').map((text) => {
  const [url = '', name = '', tlsPort = ''] = text.trim().split(' ');
  return { url, name, tlsPort: Number(tlsPort) };
});
const OUR_ADDRESS = '127.0.0.2';
const [OURS, OTHERS] = ['ours', 'the others'];
const WAIT = { timeout: 90_000, interval: 500 };

const cleanup = createCleanup();
let gates: Gates;
let ours: TestServer;

describe.skipIf(BLINKCHAT_INTEROP_TRIO === undefined)(`one of ours and two of ${otherSideName}`, () => {
  beforeAll(async () => {
    const ca = cleanup.use(await createTestCa());
    const { certFile, keyFile } = await ca.issue(['localhost']);
    gates = cleanup.use(createGates(new Map([[OUR_ADDRESS, OURS]]), OTHERS));
    const [port, tlsPort] = [await freePort(), await freePort()];
    const config = { serverName: `localhost:${port}`, tlsPort, tlsCert: certFile, tlsKey: keyFile, outboundTlsVerify: false };
    ours = cleanup.use(await startServer({ callsFrom: OUR_ADDRESS, config }));
    await gates.open(port, tlsPort, OURS);
    for (const { name, tlsPort: target } of others) await gates.open(Number(name.split(':')[1]), target, OTHERS);
  });
  afterAll(async () => await cleanup.run());

  async function meet(version: string): Promise<{ people: TestUser[]; roomId: string }> {
    const romeo = await ours.user(`romeo-${version}`);
    const [juliet, nurse] = await Promise.all(others.map(({ url }, index) => registerBySecret(url, `guest${index}-${Date.now()}`, secret)));
    if (juliet === undefined || nurse === undefined) throw new Error('two other servers are needed');
    const isPowerful = (user: TestUser) => [user.id, 50] as const;
    const roomId = await romeo.createRoom({
      preset: 'public_chat',
      room_version: version,
      power_level_content_override: {
        users: Object.fromEntries([isPowerful(juliet), isPowerful(nurse), ...(version === '12' ? [] : [[romeo.id, 100] as const])]),
        events: { 'm.room.topic': 0, 'm.room.name': 50 },
      },
    });
    await juliet.join(roomId, { via: [ours.name] });
    await nurse.join(roomId, { via: [others[0]?.name ?? '', ours.name] });
    const people = [romeo, juliet, nurse];
    for (const user of people) {
      const joined = async () => Object.values(await membersOf(user, roomId)).filter((membership) => membership === 'join').length;
      await expect.poll(joined, WAIT).toBe(people.length);
    }
    return { people, roomId };
  }

  async function agree(people: readonly TestUser[], roomId: string, texts: readonly string[]): Promise<void> {
    for (const user of people) {
      await expect.poll(async () => (await textsOf(user, roomId, 200)).sort(), WAIT).toEqual([...texts].sort());
    }
    const states = async () => new Set(await Promise.all(people.map(async (user) => (await stateIdsOf(user, roomId)).join(' '))));
    await expect.poll(async () => (await states()).size, WAIT).toBe(1);
  }

  test.each(['10', '12'])(
    'what was said and done on both sides of a cut is in one room afterwards, of version %s',
    { timeout: 300_000 },
    async (version) => {
      const { people, roomId } = await meet(version);
      const [romeo, juliet, nurse] = people as [TestUser, TestUser, TestUser];
      const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
      const texts: string[] = [];
      const say = async (user: TestUser, text: string) => {
        texts.push(text);
        await user.send(roomId, text);
      };
      const paris = await registerBySecret(others[1]?.url ?? '', `paris-${Date.now()}`, secret);
      await paris.join(roomId);
      await say(romeo, 'before');
      await agree(people, roomId, texts);

      gates.partition([OURS], [OTHERS]);
      for (let round = 0; round < 5; round += 1) {
        for (const [index, user] of people.entries()) await say(user, `${index} alone ${round}`);
        await romeo.setState(roomId, 'm.room.topic', { topic: `romeo's ${round}` });
        await nurse.setState(roomId, 'm.room.topic', { topic: `the nurse's ${round}` });
      }
      await juliet.setState(roomId, 'm.room.name', { name: 'the balcony' });
      await romeo.setState(roomId, 'm.room.name', { name: 'the garden' });
      // A guest who comes on one side, and a member who is shut out on the other, having said nothing that would then be kept
      // from that side.
      const friar = await registerBySecret(others[0]?.url ?? '', `friar-${Date.now()}`, secret);
      await friar.join(roomId, { via: [others[1]?.name ?? ''] });
      await say(friar, 'peace');
      await romeo.call('POST', `${path}/kick`, { user_id: paris.id, reason: 'tattling' });
      await say(romeo, 'alone at last');

      gates.heal();
      await say(romeo, 'after: romeo');
      await say(juliet, 'after: juliet');
      await say(friar, 'after: the friar');
      await agree(people, roomId, texts);
      for (const user of people) expect((await membersOf(user, roomId))[paris.id]).toBe('leave');
      for (const user of people) await say(user, `at the end: ${user.id}`);
      await agree(people, roomId, texts);
    },
  );
});
