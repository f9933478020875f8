import type { JsonObject } from '../json.ts';
import type { OutgoingMedia } from './outgoing-message.ts';

/** One thing that waits to be sent, as it is kept in the store. */
export type OutgoingItem = {
  /** Also its key in the timeline; stays the same through all tries, so that the server takes it once. */
  txnId: string;
  roomId: string;
  type: string;
  /** Of a file that is not uploaded yet: what of the content is known already. */
  content: JsonObject;
  /** Also the order: the queue sees to it that no two are equal. */
  createdAtMs: number;
  /** `sent` once the server gave an event id: kept until a sync brings the event itself. */
  state: 'waiting' | 'sent' | 'failed';
  eventId: string | undefined;
  failure: string | undefined;
  /** The file to upload first. */
  media: OutgoingMedia | undefined;
};
