import type { Sql } from './database.ts';

export type ToDeviceMessage = { userNid: number; deviceId: string; sender: string; type: string; content: string };

/** Stores messages to devices, at most one per device, under one position. */
export async function insertToDevice(sql: Sql, position: number, messages: readonly ToDeviceMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await sql`
    insert into to_device_messages (user_nid, device_id, position, sender, type, content)
    select m.user_nid, m.device_id, ${position}, m.sender, m.type, m.content
    from   unnest(
             ${messages.map((m) => m.userNid)}::bigint[], ${messages.map((m) => m.deviceId)}::text[],
             ${messages.map((m) => m.sender)}::text[], ${messages.map((m) => m.type)}::text[], ${messages.map((m) => m.content)}::text[]
           ) as m (user_nid, device_id, sender, type, content)
    where  exists (select from devices d where d.user_nid = m.user_nid and d.device_id = m.device_id)`;
}

/** The oldest messages that wait for a device in (after, upTo]. */
export async function listToDevice(
  sql: Sql,
  device: { userNid: number; deviceId: string },
  { after, upTo, limit }: { after: number; upTo: number; limit: number },
): Promise<{ position: number; sender: string; type: string; content: string }[]> {
  return await sql<{ position: number; sender: string; type: string; content: string }[]>`
    select position, sender, type, content
    from   to_device_messages
    where  user_nid = ${device.userNid} and device_id = ${device.deviceId} and position > ${after} and position <= ${upTo}
    order  by position
    limit  ${limit}`;
}

export async function deleteToDevice(sql: Sql, device: { userNid: number; deviceId: string }, upTo: number): Promise<void> {
  await sql`
    delete from to_device_messages where user_nid = ${device.userNid} and device_id = ${device.deviceId} and position <= ${upTo}`;
}

/** The devices of some local people. */
export async function listDevicesOf(
  sql: Sql,
  userIds: readonly string[],
): Promise<{ userNid: number; userId: string; deviceId: string }[]> {
  return await sql<{ userNid: number; userId: string; deviceId: string }[]>`
    select d.user_nid as "userNid", u.user_id as "userId", d.device_id as "deviceId"
    from   devices d join users u using (user_nid)
    where  u.user_id = any(${[...userIds]}::text[])`;
}

export async function hasToDeviceTransaction(sql: Sql, sent: { userNid: number; deviceId: string; txnId: string }): Promise<boolean> {
  const rows = await sql`
    select 1 from to_device_transactions
    where  user_nid = ${sent.userNid} and device_id = ${sent.deviceId} and txn_id = ${sent.txnId}`;
  return rows.length > 0;
}

/** Remembers a transaction, and forgets those of the same device from before a time. */
export async function insertToDeviceTransaction(
  sql: Sql,
  sent: { userNid: number; deviceId: string; txnId: string; sentAt: number; forgetBefore: number },
): Promise<void> {
  await sql`
    with old as (
      delete from to_device_transactions
      where  user_nid = ${sent.userNid} and device_id = ${sent.deviceId} and sent_at < ${sent.forgetBefore}
    )
    insert into to_device_transactions (user_nid, device_id, txn_id, sent_at)
    values (${sent.userNid}, ${sent.deviceId}, ${sent.txnId}, ${sent.sentAt})
    on conflict do nothing`;
}

export async function wasReceived(sql: Sql, origin: string, messageId: string): Promise<boolean> {
  const rows = await sql`select 1 from to_device_received where origin = ${origin} and message_id = ${messageId}`;
  return rows.length > 0;
}

export async function insertReceived(
  sql: Sql,
  received: { origin: string; messageId: string; receivedAt: number; forgetBefore: number },
): Promise<void> {
  const { origin, messageId, receivedAt, forgetBefore } = received;
  await sql`
    with old as (delete from to_device_received where received_at < ${forgetBefore})
    insert into to_device_received (origin, message_id, received_at) values (${origin}, ${messageId}, ${receivedAt})
    on conflict do nothing`;
}
