import type { SyncFilter } from 'federation-spec/api/schemas/filters.ts';
import type { JoinedRoom } from 'federation-spec/api/schemas/sync.ts';
import type { StoredEvent } from '../../storage/events.ts';
import type { ClientEvent } from '../rooms/render-events.ts';
import type { SyncDevice } from './sources.ts';

/** One room to be told of. `after` is where the client stands; 0 when it knows nothing of the room. */
export type RoomToTell = {
  roomNid: number;
  roomId: string;
  after: number;
  /** From where on the state is told: `after`, or 0 for all of it. */
  stateAfter: number;
  /** Where the room ends for this user: now, or when they left it. */
  upTo: number;
  /** The position of the user's own membership event. */
  since: number;
  /** The user is in the room no more, and may never have been. */
  isLeft: boolean;
  /** The membership events that the client was told of, by user, where its connection remembers them. */
  toldMembers?: ReadonlyMap<string, string> | undefined;
  /** From where on the client is told of state that is no more; left out when it is not told of that. */
  lostAfter?: number | undefined;
  /** The client may know the room from an earlier stay: what it has and what it is told now do not join. */
  isNewlyJoined?: boolean;
};

/** A piece of state that a room had, and has not any more. */
export type StateStub = { type: string; stateKey: string };

export type ToldRoom = {
  timeline: NonNullable<JoinedRoom['timeline']>;
  state: ClientEvent[];
  summary?: JoinedRoom['summary'];
  /** Some of its members, where the room has no name. */
  heroes?: readonly string[];
  /** The state that is no more, where the client is told of it. */
  lost?: readonly StateStub[];
  /** Where in the log the timeline's events stand. */
  positions: readonly number[];
};

export type TellRequest = {
  device: SyncDevice;
  upTo: number;
  boot: string;
  filter: SyncFilter | undefined;
  wantsStateAfter: boolean;
  /** Members that a device was told of lazily are not told again: how far it has acknowledged what it was told. Left out, they are. */
  toldMembersAt?: number | undefined;
};

export type TellRooms = (rooms: readonly RoomToTell[], request: TellRequest) => Promise<Map<number, ToldRoom>>;

/** What a room's timeline will show, before it is rendered. */
export type Timeline = {
  events: StoredEvent[];
  isLimited: boolean;
  /** The state may have changed in another way than by the events: by resolution, or by events that are not shown. */
  hasHiddenChanges: boolean;
  hasMemberChanges: boolean;
  /** Some state changed, by the events or otherwise. */
  hasStateChanges: boolean;
  /** Some state may have come to be no more. */
  hasLostState: boolean;
  /** How far the user may follow the state, when that is not to the end. */
  stateUpTo?: number;
  /** The events to which others relate, where known from the ring. */
  relatedIds?: ReadonlySet<string>;
};
