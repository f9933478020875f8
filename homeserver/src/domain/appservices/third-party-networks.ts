import {
  getProtocolMetadata,
  queryLocationByAlias,
  queryLocationByProtocol,
  queryUserByID,
  queryUserByProtocol,
} from 'federation-spec/api/appservice/third-party-networks.ts';
import type { Endpoint } from 'federation-spec/api/endpoint.ts';
import {
  type Locations,
  LocationsSchema,
  type Protocol,
  ProtocolSchema,
  type ThirdPartyUsers,
  ThirdPartyUsersSchema,
} from 'federation-spec/api/schemas/third-party-networks.ts';
import { LRUCache } from 'lru-cache';
import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Logger } from '../../platform/logger.ts';
import { notFound } from '../../platform/matrix-error.ts';
import type { Appservice } from './appservice.ts';
import type { CallAppservice } from './appservice-client.ts';
import type { AppserviceRegistry } from './registry.ts';

const LOOKUP_TIMEOUT_MS = 10_000;
/** For how long, and how many, answers about protocols are kept: clients ask whenever they show the directory. */
const PROTOCOL_TTL_MS = 300_000;
const MAX_PROTOCOLS = 1_000;
/** Most results of one lookup that are passed on of each service. */
const MAX_RESULTS = 500;

type Fields = Readonly<Record<string, string>>;
type Lookup = { endpoint: Pick<Endpoint, 'id' | 'method' | 'path'>; params?: Fields; query?: Fields };

/** The networks that application services bridge to, and what they know of rooms and people there. */
export type ThirdPartyNetworks = {
  protocols: () => Promise<Record<string, Protocol>>;
  /** @throws M_NOT_FOUND for a protocol that no service has */
  protocol: (name: string) => Promise<Protocol>;
  /** @throws M_NOT_FOUND for a protocol that no service has */
  locationsOf: (protocol: string, fields: Fields) => Promise<Locations>;
  usersOf: (protocol: string, fields: Fields) => Promise<ThirdPartyUsers>;
  /** @throws M_NOT_FOUND when no service knows the alias */
  locationsByAlias: (alias: string) => Promise<Locations>;
  usersById: (userId: string) => Promise<ThirdPartyUsers>;
};

type Deps = { registry: AppserviceRegistry; call: CallAppservice; logger: Logger };

/** https://spec.matrix.org/latest/application-service-api/#third-party-networks */
export function createThirdPartyNetworks({ registry, call, logger }: Deps): ThirdPartyNetworks {
  const known = new LRUCache<string, { protocol: Protocol | undefined }>({ max: MAX_PROTOCOLS, ttl: PROTOCOL_TTL_MS });

  async function look<Schema extends TSchema>(appservice: Appservice, { endpoint, ...fields }: Lookup, schema: Schema) {
    if (appservice.url === undefined) return undefined;
    try {
      const { status, text } = await call(appservice, endpoint, { ...fields, timeoutMs: LOOKUP_TIMEOUT_MS });
      if (status !== 200) return undefined;
      const value: unknown = JSON.parse(text);
      if (Compile(schema).Check(value)) return value as Static<Schema>;
      logger.warn(
        { appservice: appservice.id, operation: endpoint.id },
        'an application service answered what the specification does not know',
      );
    } catch (error) {
      logger.warn({ err: error, appservice: appservice.id, operation: endpoint.id }, 'a third-party lookup failed');
    }
    return undefined;
  }

  async function lookUpAll<Item extends TSchema>(appservices: readonly Appservice[], lookup: Lookup, item: Item): Promise<Static<Item>[]> {
    const answers = await Promise.all(appservices.map((appservice) => look(appservice, lookup, Type.Array(Type.Unknown()))));
    const isItem = Compile(item);
    return answers.flatMap((answer) => (answer ?? []).slice(0, MAX_RESULTS).filter((value): value is Static<Item> => isItem.Check(value)));
  }

  function servicesWith(protocol: string): Appservice[] {
    const services = registry.list.filter(({ protocols }) => protocols.includes(protocol));
    if (services.length === 0) throw notFound(`No application service here knows the protocol ${protocol.slice(0, 100)}`);
    return services;
  }

  async function describe(appservice: Appservice, name: string): Promise<Protocol | undefined> {
    const key = `${appservice.id} ${name}`;
    const remembered = known.get(key);
    if (remembered !== undefined) return remembered.protocol;
    const protocol = await look(appservice, { endpoint: getProtocolMetadata, params: { protocol: name } }, ProtocolSchema);
    if (protocol !== undefined) known.set(key, { protocol });
    return protocol;
  }

  /** What several services say of one protocol: the first describes it, and each adds its instances. */
  async function merge(name: string, appservices: readonly Appservice[]): Promise<Protocol | undefined> {
    const described = await Promise.all(appservices.map((appservice) => describe(appservice, name)));
    const first = described.find((protocol) => protocol !== undefined);
    if (first === undefined) return undefined;
    const instances = appservices.flatMap(({ id }, index) =>
      (described[index]?.instances ?? []).map((instance) => ({ ...instance, instance_id: formatInstanceId(id, instance.network_id) })),
    );
    return { ...first, instances };
  }

  async function orNotFound<Item>(found: Promise<Item[]>, what: string): Promise<Item[]> {
    const items = await found;
    if (items.length === 0) throw notFound(`No application service here knows ${what}`);
    return items;
  }

  return {
    protocols: async () => {
      const names = [...new Set(registry.list.flatMap(({ protocols }) => protocols))];
      const merged = await Promise.all(names.map(async (name) => [name, await merge(name, servicesWith(name))] as const));
      return Object.fromEntries(merged.flatMap(([name, protocol]) => (protocol === undefined ? [] : [[name, protocol] as const])));
    },
    protocol: async (name) => {
      const protocol = await merge(name, servicesWith(name));
      if (protocol === undefined) throw notFound(`The application services do not describe the protocol ${name}`);
      return protocol;
    },
    locationsOf: (protocol, fields) =>
      lookUpAll(servicesWith(protocol), { endpoint: queryLocationByProtocol, params: { protocol }, query: fields }, LocationsSchema.items),
    usersOf: (protocol, fields) =>
      lookUpAll(
        servicesWith(protocol),
        { endpoint: queryUserByProtocol, params: { protocol }, query: fields },
        ThirdPartyUsersSchema.items,
      ),
    locationsByAlias: (alias) =>
      orNotFound(
        lookUpAll(registry.listByAlias(alias), { endpoint: queryLocationByAlias, query: { alias } }, LocationsSchema.items),
        alias,
      ),
    usersById: (userid) =>
      orNotFound(
        lookUpAll(registry.listByUser(userid), { endpoint: queryUserByID, query: { userid } }, ThirdPartyUsersSchema.items),
        userid,
      ),
  };
}

/** What tells an instance apart from those of other services; the directory takes it back. */
export function formatInstanceId(appserviceId: string, networkId: string): string {
  return `${appserviceId}|${networkId}`;
}
