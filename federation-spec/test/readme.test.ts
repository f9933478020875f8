import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ed25519PublicKey } from '../src/crypto/ed25519.ts';
import { encodeUtf8 } from '../src/encoding/utf8.ts';
import type { JsonObject, Pdu, PduDraft } from '../src/events/event.ts';
import { eventIdOf } from '../src/events/event-id.ts';
import { roomIdOf } from '../src/events/room-id-of.ts';
import { stateKeyOf } from '../src/events/state-key.ts';
import { roomVersionRules } from '../src/room-versions/room-versions.ts';
import { signEvent } from '../src/signing/sign-event.ts';
import { receive } from './kit/readme-example.ts';

const ALICE = '@alice:a.test';
const seed = new Uint8Array(32).fill(1);
const keys = new Map([['a.test', { keyId: 'ed25519:1', publicKey: ed25519PublicKey(seed) }]]);

const readFile = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

test('the example in the README is the one that runs here', () => {
  expect(readFile('../README.md')).toContain(readFile('kit/readme-example.ts'));
});

test('every name in the table of the README is exported from its folder', () => {
  const whatIsWhere =
    readFile('../README.md')
      .split(/^## /m)
      .find((section) => section.startsWith('What is where')) ?? '';
  const rows = whatIsWhere.matchAll(/^\| `([a-z-]+)\/` \| (.*) \|$/gm);
  const missing: string[] = [];
  for (const [, folder = '', names = ''] of rows) {
    const files = readdirSync(new URL(`../src/${folder}`, import.meta.url), { recursive: true, encoding: 'utf8' });
    const sources = files.filter((file) => file.endsWith('.ts')).map((file) => readFile(`../src/${folder}/${file}`));
    const source = sources.join('\n');
    for (const [, name = ''] of names.matchAll(/`(\w+)/g)) {
      if (/^(operationId|rules|signer|check)$/.test(name) || name === 'JSON') continue;
      if (!new RegExp(`^export .*\\b${name}\\b`, 'm').test(source)) missing.push(`${folder}: ${name}`);
    }
  }
  expect(missing).toEqual([]);
});

test('the example receives a message after two states that differ', async () => {
  const rules = roomVersionRules('12');
  if (rules === undefined) throw new Error('version 12 is known');
  const events = new Map<string, Pdu>();

  const send = async (type: string, stateKey: string | undefined, content: JsonObject, prev: string[], auth: string[], roomId?: string) => {
    const draft: PduDraft = {
      type,
      sender: ALICE,
      ...(stateKey === undefined ? {} : { state_key: stateKey }),
      ...(roomId === undefined ? {} : { room_id: roomId }),
      content,
      prev_events: prev,
      auth_events: auth,
      depth: events.size + 1,
      origin_server_ts: events.size + 1,
    };
    const event = await signEvent(draft, rules, { serverName: 'a.test', keyId: 'ed25519:1', seed });
    const eventId = eventIdOf(event, rules);
    events.set(eventId, event);
    return { event, eventId };
  };

  const create = await send('m.room.create', '', { room_version: '12' }, [], []);
  const roomId = roomIdOf(create.event, rules);
  const join = await send('m.room.member', ALICE, { membership: 'join' }, [create.eventId], [], roomId);
  const first = await send('m.room.name', '', { name: 'One' }, [join.eventId], [join.eventId], roomId);
  const second = await send('m.room.name', '', { name: 'Two' }, [join.eventId], [join.eventId], roomId);
  const message = await send('m.room.message', undefined, { body: 'But soft!' }, [first.eventId, second.eventId], [join.eventId], roomId);

  const shared: [string, string][] = [
    [stateKeyOf('m.room.create', ''), create.eventId],
    [stateKeyOf('m.room.member', ALICE), join.eventId],
  ];
  const states = [first, second].map(({ eventId }) => new Map([...shared, [stateKeyOf('m.room.name', ''), eventId]]));
  const received = await receive(encodeUtf8(JSON.stringify(message.event)), '12', states, events, keys);

  expect(received.eventId).toBe(message.eventId);
  expect(received.state).toContainEqual({ type: 'm.room.name', stateKey: '', eventId: second.eventId });
  expect(received.state).toHaveLength(3);

  const forged = { ...message.event, depth: 99 };
  await expect(receive(encodeUtf8(JSON.stringify(forged)), '12', states, events, keys)).rejects.toThrow('a.test did not sign the event.');
});
