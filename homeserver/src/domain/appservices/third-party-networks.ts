import {
  getProtocolMetadata,
  queryLocationByAlias,
  queryLocationByProtocol,
  queryUserByID,
  queryUserByProtocol,
} from 'federation-spec/api/appservice/third-party-networks.ts';
import type { Endpoint } from 'federation-spec/api/endpoint.ts';
import { JsonObjectSchema } from 'federation-spec/api/schemas/json.ts';
import {
  type Locations,
  LocationsSchema,
  type ThirdPartyUsers,
  ThirdPartyUsersSchema,
} from 'federation-spec/api/schemas/third-party-networks.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { LRUCache } from 'lru-cache';
import { Type } from 'typebox';
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

/** A protocol as a service describes it. Services leave out what they do not use: it is passed on as it is. */
export type ProtocolDescription = JsonObject & { instances: JsonObject[] };

type Checker<Value> = (value: unknown) => value is Value;
const description = Compile(Type.Object({ instances: Type.Array(JsonObjectSchema) }));
const location = Compile(LocationsSchema.items);
const user = Compile(ThirdPartyUsersSchema.items);
const isDescription = (value: unknown): value is ProtocolDescription => description.Check(value);
const isLocation = (value: unknown): value is Locations[number] => location.Check(value);
const isUser = (value: unknown): value is ThirdPartyUsers[number] => user.Check(value);
const isList = (value: unknown): value is unknown[] => Array.isArray(value);

type Fields = Readonly<Record<string, string>>;
type Lookup = { endpoint: Pick<Endpoint, 'id' | 'method' | 'path'>; params?: Fields; query?: Fields };

/** The networks that application services bridge to, and what they know of rooms and people there. */
export type ThirdPartyNetworks = {
  protocols: () => Promise<Record<string, ProtocolDescription>>;
  /** @throws M_NOT_FOUND for a protocol that no service has */
  protocol: (name: string) => Promise<ProtocolDescription>;
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
  const known = new LRUCache<string, { protocol: ProtocolDescription }>({ max: MAX_PROTOCOLS, ttl: PROTOCOL_TTL_MS });

  async function look<Value>(
    appservice: Appservice,
    { endpoint, ...fields }: Lookup,
    isAnswer: Checker<Value>,
  ): Promise<Value | undefined> {
    if (appservice.url === undefined) return undefined;
    try {
      const { status, text } = await call(appservice, endpoint, { ...fields, timeoutMs: LOOKUP_TIMEOUT_MS });
      if (status !== 200) return undefined;
      const value: unknown = JSON.parse(text);
      if (isAnswer(value)) return value;
      logger.warn(
        { appservice: appservice.id, operation: endpoint.id },
        'an application service answered what the specification does not know',
      );
    } catch (error) {
      logger.warn({ err: error, appservice: appservice.id, operation: endpoint.id }, 'a third-party lookup failed');
    }
    return undefined;
  }

  async function lookUpAll<Item>(appservices: readonly Appservice[], lookup: Lookup, isItem: Checker<Item>): Promise<Item[]> {
    const answers = await Promise.all(appservices.map((appservice) => look(appservice, lookup, isList)));
    return answers.flatMap((answer) => (answer ?? []).slice(0, MAX_RESULTS).filter(isItem));
  }

  function servicesWith(protocol: string): Appservice[] {
    const services = registry.list.filter(({ protocols }) => protocols.includes(protocol));
    if (services.length === 0) throw notFound(`No application service here knows the protocol ${protocol.slice(0, 100)}`);
    return services;
  }

  async function describe(appservice: Appservice, name: string): Promise<ProtocolDescription | undefined> {
    const key = `${appservice.id} ${name}`;
    const remembered = known.get(key);
    if (remembered !== undefined) return remembered.protocol;
    const protocol = await look(appservice, { endpoint: getProtocolMetadata, params: { protocol: name } }, isDescription);
    if (protocol !== undefined) known.set(key, { protocol });
    return protocol;
  }

  /** What several services say of one protocol: the first describes it, and each adds its instances. */
  async function merge(name: string, appservices: readonly Appservice[]): Promise<ProtocolDescription | undefined> {
    const described = await Promise.all(appservices.map((appservice) => describe(appservice, name)));
    const first = described.find((protocol) => protocol !== undefined);
    if (first === undefined) return undefined;
    const instances = appservices.flatMap(({ id }, index) =>
      (described[index]?.instances ?? []).map((instance) => {
        const { network_id: networkId } = instance;
        return typeof networkId === 'string' ? { ...instance, instance_id: formatInstanceId(id, networkId) } : instance;
      }),
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
      lookUpAll(servicesWith(protocol), { endpoint: queryLocationByProtocol, params: { protocol }, query: fields }, isLocation),
    usersOf: (protocol, fields) =>
      lookUpAll(servicesWith(protocol), { endpoint: queryUserByProtocol, params: { protocol }, query: fields }, isUser),
    locationsByAlias: (alias) =>
      orNotFound(lookUpAll(registry.listByAlias(alias), { endpoint: queryLocationByAlias, query: { alias } }, isLocation), alias),
    usersById: (userid) =>
      orNotFound(lookUpAll(registry.listByUser(userid), { endpoint: queryUserByID, query: { userid } }, isUser), userid),
  };
}

/** What tells an instance apart from those of other services; the directory takes it back. */
export function formatInstanceId(appserviceId: string, networkId: string): string {
  return `${appserviceId}|${networkId}`;
}
