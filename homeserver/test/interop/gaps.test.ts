import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestUser } from '../kit/test-user.ts';
import { membersOf, otherSideName, roomPath, syncUntil, textsOf, V3 } from './sides.ts';
import { listDifferences, viewOf } from './views.ts';
import { canCut, startWalledSides, type WalledSides } from './walled-sides.ts';

const WAIT = { timeout: 90_000, interval: 500 };
/** More than one question for missing events is answered with. */
const LONG = 130;

describe.skipIf(!canCut)(`cut off from ${otherSideName}`, { timeout: 240_000 }, () => {
  let walled: WalledSides;
  let ours: TestUser;
  let theirs: TestUser;
  beforeAll(async () => {
    walled = await startWalledSides(1);
    const [our, their] = walled.sides;
    if (our === undefined || their === undefined) throw new Error('two sides are needed');
    ours = await our.user('ours');
    theirs = await their.user('theirs');
  });
  afterAll(async () => await walled[Symbol.asyncDispose]());

  const cut = () => walled.gates.partition(...walled.sides.map((side) => [side.name]));
  const sharedRoom = async (host: TestUser, guest: TestUser) => {
    const roomId = await host.createRoom({ preset: 'public_chat', power_level_content_override: { state_default: 0 } });
    await guest.join(roomId, { via: [host.id.slice(host.id.indexOf(':') + 1)] });
    await expect.poll(() => membersOf(host, roomId), WAIT).toHaveProperty([guest.id], 'join');
    // A server that is cut off before it knows all members may never come to know them.
    for (const user of [host, guest]) await user.call('GET', `${roomPath(roomId)}/members`);
    return roomId;
  };
  const sameHistory = async (roomId: string) => {
    let differences: string[] = [];
    const count = async () => {
      differences = listDifferences(await Promise.all([viewOf(ours, roomId), viewOf(theirs, roomId)]));
      return differences.length;
    };
    await expect
      .poll(count, WAIT)
      .toBe(0)
      .catch(() => expect(differences).toEqual([]));
  };

  test.each([
    ['they', true],
    ['we', false],
  ])('%s said more than one answer carries', async (_, theySpeak) => {
    const [speaker, hearer] = theySpeak ? [theirs, ours] : [ours, theirs];
    const roomId = await sharedRoom(ours, theirs);
    cut();
    for (let line = 0; line < LONG; line += 1) {
      await speaker.send(roomId, `line ${line}`);
      if (line % 25 === 0) await speaker.setState(roomId, 'm.room.topic', { topic: `topic ${line}` });
    }
    walled.gates.heal();
    await speaker.send(roomId, 'healed');
    await expect.poll(() => textsOf(hearer, roomId, 300), WAIT).toContain('healed');
    await sameHistory(roomId);
    await hearer.send(roomId, 'heard');
    await expect.poll(() => textsOf(speaker, roomId, 300), WAIT).toContain('heard');
    await sameHistory(roomId);
  });

  test('both spoke and set things apart, and agree afterwards', async () => {
    const roomId = await sharedRoom(theirs, ours);
    cut();
    for (let round = 0; round < 20; round += 1) {
      for (const user of [ours, theirs]) {
        await user.send(roomId, `${user.localpart} ${round}`);
        if (round % 4 === 0) await user.setState(roomId, 'm.room.topic', { topic: `${user.localpart} ${round}` });
        if (round % 7 === 0) await user.setState(roomId, 'org.example.thing', { round }, user.localpart);
      }
    }
    walled.gates.heal();
    for (const user of [ours, theirs]) await user.send(roomId, `healed: ${user.localpart}`);
    await sameHistory(roomId);
  });

  test('messages to a device wait for the other side, and each arrives once', async () => {
    await sharedRoom(ours, theirs);
    const COUNT = 300;
    for (const [from, to] of [
      [ours, theirs],
      [theirs, ours],
    ] as const) {
      cut();
      for (let number = 0; number < COUNT; number += 1) {
        const messages = { [to.id]: { [to.deviceId]: { number } } };
        await from.call('PUT', `${V3}/sendToDevice/m.walled/${from.localpart}${number}`, { messages });
      }
      walled.gates.heal();
      const numbers: unknown[] = [];
      await syncUntil(to, (body) => {
        numbers.push(
          ...(body.to_device?.events ?? []).filter((event) => event.type === 'm.walled').map((event) => event.content['number']),
        );
        return numbers.length >= COUNT ? true : undefined;
      });
      // What comes in one transaction is not taken in one after the other everywhere.
      if (to === theirs) numbers.sort((a, b) => Number(a) - Number(b));
      expect(numbers).toEqual(Array.from({ length: COUNT }, (_, number) => number));
    }
  });
});
