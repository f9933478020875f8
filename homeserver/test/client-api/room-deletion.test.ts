import { expect, test } from 'vitest';
import { startServers } from '../kit/start-servers.ts';

const WAIT = { timeout: 30_000 };
const enc = encodeURIComponent;

test('nothing is left of a room that is removed, and the other servers hear that its people left', async () => {
  await using servers = await startServers(2);
  const [ours, theirs] = [servers.at(0), servers.at(1)];
  const admin = await servers.user('prince', 0);
  const romeo = await servers.user('romeo', 0);
  const tybalt = await servers.user('tybalt', 1);
  const roomId = await tybalt.createRoom({ preset: 'public_chat' });
  for (let index = 0; index < 25; index += 1) await tybalt.send(roomId, `word ${index}`);
  await romeo.join(roomId, { via: [theirs.name] });
  await romeo.messages(roomId, { limit: 20 });
  const roomPath = `/_matrix/client/v3/rooms/${enc(roomId)}`;

  // Something of every kind.
  const said = await romeo.send(roomId, 'a plot');
  await tybalt.send(roomId, { msgtype: 'm.text', body: romeo.id, 'm.mentions': { user_ids: [romeo.id] } });
  await romeo.nextMessage(roomId);
  await romeo.send(roomId, { 'm.relates_to': { rel_type: 'm.annotation', event_id: said, key: 'x' } }, 'm.reaction');
  await romeo.call('PUT', `${roomPath}/redact/${enc('$unknown')}/1`, {}).catch(() => undefined);
  await romeo.call('POST', `${roomPath}/receipt/m.read/${enc(said)}`, {});
  await romeo.call('PUT', `/_matrix/client/v3/user/${enc(romeo.id)}/rooms/${enc(roomId)}/account_data/m.tag`, { tags: {} });
  await romeo.call('PUT', `${roomPath}/send/m.room.message/later?org.matrix.msc4140.delay=3600000`, { msgtype: 'm.text', body: 'later' });
  const [room] = await ours.sql<{ nid: number }[]>`select room_nid as nid from rooms where room_id = ${roomId}`;
  const nid = room?.nid ?? 0;

  await admin.call('DELETE', `/_synapse/admin/v1/rooms/${enc(roomId)}`, { block: true });
  const standing = async () =>
    (await tybalt.state(roomId)).find((event) => event.type === 'm.room.member' && event.state_key === romeo.id)?.content['membership'];
  await expect.poll(standing, WAIT).toBe('leave');
  await ours.restart(); // which writes down whatever still waited for it

  const columns = await ours.sql<{ table: string; column: string }[]>`
    select table_name as table, column_name as column from information_schema.columns
    where table_schema = current_schema() and column_name in ('room_nid', 'room_id') and table_name not in ('rooms', 'blocked_rooms')`;
  expect(columns.length).toBeGreaterThan(15);
  const left: Record<string, number> = {};
  for (const { table, column } of columns) {
    const value = column === 'room_nid' ? nid : roomId;
    const [row] = await ours.sql<{ count: number }[]>`
      select count(*)::int as count from ${ours.sql(table)} where ${ours.sql(column)} = ${value}`;
    if ((row?.count ?? 0) > 0) left[table] = row?.count ?? 0;
  }
  expect(left).toEqual({});
  const orphans = await ours.sql`
    select 1 from state_snapshots s where not exists (select from events e where e.base_snapshot = s.snapshot_id)`;
  expect(orphans).toHaveLength(0);
});
