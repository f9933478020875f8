import { queryPublicRooms } from 'federation-spec/api/server/public-rooms.ts';
import { queryProfile, queryRoomDirectory } from 'federation-spec/api/server/queries.ts';
import { getSpaceHierarchy } from 'federation-spec/api/server/spaces.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { Type } from 'typebox';
import { badGateway, notFound } from '../../platform/matrix-error.ts';
import type { ResolvedAlias } from '../directory/aliases.ts';
import type { QueryRemotePublicRooms } from '../directory/public-rooms.ts';
import type { QueryRemoteSpace } from '../directory/remote-spaces.ts';
import type { FederationClient } from './federation-client.ts';
import { FederationError } from './federation-error.ts';
import { readPublicRooms, readSpaceRoom, readSummaries } from './read-rooms.ts';

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 256 * 1024;
/** Many rooms, each with a topic as long as an event may be. */
const MAX_ROOMS_BYTES = 4 * 1024 * 1024;
const MAX_SERVERS = 50;

/** What is odd about one room must not hide the others: each is read by itself. */
const LOOSE_PUBLIC_ROOMS = {
  ...queryPublicRooms,
  response: Type.Object({ ...queryPublicRooms.response.properties, chunk: Type.Array(Type.Unknown()) }),
};
const LOOSE_HIERARCHY = {
  ...getSpaceHierarchy,
  response: Type.Object({
    room: Type.Unknown(),
    children: Type.Optional(Type.Array(Type.Unknown())),
    inaccessible_children: Type.Optional(Type.Array(Type.Unknown())),
  }),
};

/** Questions about users and aliases of other servers. https://spec.matrix.org/latest/server-server-api/#querying-for-information */
export type RemoteQueries = {
  /** Throws M_NOT_FOUND. */
  profile: (userId: string, field: string | undefined) => Promise<JsonObject>;
  /** Throws M_NOT_FOUND. */
  resolveAlias: (alias: string) => Promise<ResolvedAlias>;
  publicRooms: QueryRemotePublicRooms;
  space: QueryRemoteSpace;
};

export function createRemoteQueries(client: FederationClient): RemoteQueries {
  const options = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, urgency: 'person' } as const;
  const roomsOptions = { ...options, maxBytes: MAX_ROOMS_BYTES };
  return {
    publicRooms: async (server, { limit, since, term, roomTypes, network }) => {
      const filter = {
        ...(term === undefined ? {} : { generic_search_term: term }),
        ...(roomTypes === undefined ? {} : { room_types: [...roomTypes] }),
      };
      const body = {
        ...(limit === undefined ? {} : { limit }),
        ...(since === undefined ? {} : { since }),
        ...(network === undefined
          ? {}
          : network === 'all'
            ? { include_all_networks: true }
            : { third_party_instance_id: network.instanceId }),
        filter,
      };
      const answer = await client
        .call(server, LOOSE_PUBLIC_ROOMS, { body }, roomsOptions)
        .catch(tell(`The directory of ${server} could not be had.`));
      return { ...answer, chunk: readPublicRooms(answer.chunk) };
    },
    space: async (server, roomId, suggestedOnly) => {
      const query = { suggested_only: suggestedOnly ? ('true' as const) : ('false' as const) };
      const answer = await client.call(server, LOOSE_HIERARCHY, { params: { roomId }, query }, roomsOptions).catch((error: unknown) => {
        if (!(error instanceof FederationError)) throw error;
        return undefined;
      });
      const room = readSpaceRoom(answer?.room);
      if (answer === undefined || room === undefined) return undefined;
      const inaccessible = (answer.inaccessible_children ?? []).filter((id) => typeof id === 'string');
      return { room, children: readSummaries(answer.children ?? []), inaccessible_children: inaccessible };
    },
    profile: async (userId, field) => {
      const server = serverNameOf(userId) ?? '';
      const query = { user_id: userId, field };
      return {
        ...(await client.call(server, queryProfile, { query }, options).catch(tell(`The profile of ${userId} could not be had.`))),
      } as JsonObject;
    },
    resolveAlias: async (alias) => {
      const server = serverNameOf(alias) ?? '';
      const told = tell(`The alias ${alias} does not exist, or its server cannot be reached.`);
      const answer = await client.call(server, queryRoomDirectory, { query: { room_alias: alias } }, options).catch(told);
      return { roomId: answer.room_id, servers: [...new Set([...answer.servers.slice(0, MAX_SERVERS), server])] };
    },
  };
}

function tell(message: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof FederationError)) throw error;
    throw error.status === undefined || error.status >= 500 ? badGateway(message) : notFound(message);
  };
}
