import type { JsonObject } from 'federation-spec/events/event.ts';
import type { StreamRow } from '../../streams/log-batch.ts';

/** An EDU as it came, from a server whose signature was checked. Its content is not. */
export type ReceivedEdu = { origin: string; content: JsonObject };

/** Takes in one kind of EDU. Rows it returns are committed before the transaction is answered. What is not as it must be is ignored. */
export type EduHandler = (edu: ReceivedEdu) => Promise<readonly StreamRow[]>;

/** By `edu_type`. EDUs of other types are passed over. */
export type EduHandlers = ReadonlyMap<string, EduHandler>;
