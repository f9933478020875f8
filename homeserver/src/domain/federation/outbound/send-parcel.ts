import { sendTransaction } from 'federation-spec/api/server/transactions.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Random } from '../../../platform/random.ts';
import type { FederationClient } from '../federation-client.ts';
import { FederationError } from '../federation-error.ts';

const TRANSACTION_TIMEOUT_MS = 60_000;
const TXN_ID_BITS = 96;
/** How much of another server's own words goes into our log. */
const MAX_SHOWN_LENGTH = 200;

type Edu = { edu_type: string; content: JsonObject };
export type Load = { pdus: readonly string[]; edus: readonly Edu[] };

/** Sends one transaction; resolves when the server has taken it. Throws when it could not be reached, or may take it later. */
export type SendParcel = (destination: string, load: Load, signal: AbortSignal) => Promise<void>;

type Deps = { client: FederationClient; clock: Clock; random: Random; logger: Logger; serverName: string };

/**
 * A server that understood a transaction and refuses it would refuse it again: then each of its parts is sent alone, and what is still
 * refused is dropped, so that one bad part holds up nothing else. https://spec.matrix.org/latest/server-server-api/#transactions
 */
export function createSendParcel({ client, clock, random, logger, serverName }: Deps): SendParcel {
  async function send(destination: string, { pdus, edus }: Load, signal: AbortSignal): Promise<void> {
    const body = { origin: serverName, origin_server_ts: clock.now(), pdus: pdus.map(readObject), edus: [...edus] };
    const params = { txnId: random.text(TXN_ID_BITS) };
    const answer = await client.call(destination, sendTransaction, { params, body }, { timeoutMs: TRANSACTION_TIMEOUT_MS, signal });
    for (const [eventId, { error }] of Object.entries(answer.pdus)) {
      if (error === undefined) continue;
      logger.info({ destination, eventId, error: error.slice(0, MAX_SHOWN_LENGTH) }, 'another server did not take an event');
    }
  }

  async function sendOrDrop(destination: string, part: Load, signal: AbortSignal): Promise<void> {
    try {
      await send(destination, part, signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      logger.warn({ destination, err: error }, 'another server refuses a part of a transaction; it is dropped');
    }
  }

  return async (destination, load, signal) => {
    try {
      await send(destination, load, signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      logger.warn({ destination, err: error }, 'another server refuses a transaction; its parts are sent one by one');
      for (const pdu of load.pdus) await sendOrDrop(destination, { pdus: [pdu], edus: [] }, signal);
      for (const edu of load.edus) await sendOrDrop(destination, { pdus: [], edus: [edu] }, signal);
    }
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof FederationError && (error.status === 400 || error.status === 413) && error.errcode !== undefined;
}

function readObject(json: string): JsonObject {
  const value: unknown = JSON.parse(json);
  if (!isJsonObject(value)) throw new Error('what waits for another server is no JSON object');
  return value;
}
