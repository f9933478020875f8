import { queryRoomByAlias, queryUserById } from 'federation-spec/api/appservice/queries.ts';
import type { Endpoint } from 'federation-spec/api/endpoint.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Appservice } from './appservice.ts';
import type { CallAppservice } from './appservice-client.ts';
import type { AppserviceRegistry } from './registry.ts';

/** Asks the services whose namespace a user or an alias is in whether it exists; they make it before they say yes. */
export type AskAppservices = {
  forUser: (userId: string) => Promise<boolean>;
  forAlias: (alias: string) => Promise<boolean>;
};

/** The service makes the room or the user meanwhile, by calls to us. */
const ASK_TIMEOUT_MS = 30_000;

type Question = { endpoint: Pick<Endpoint, 'method' | 'path'>; params: Readonly<Record<string, string>> };
type Deps = { registry: AppserviceRegistry; call: CallAppservice; serverName: string; logger: Logger };

/** https://spec.matrix.org/latest/application-service-api/#querying */
export function createAskAppservices({ registry, call, serverName, logger }: Deps): AskAppservices {
  const underWay = new Map<string, Promise<boolean>>();

  async function ask(appservices: readonly Appservice[], question: Question): Promise<boolean> {
    for (const appservice of appservices) {
      if (appservice.url === undefined) continue;
      try {
        const { status } = await call(appservice, question.endpoint, { params: question.params, timeoutMs: ASK_TIMEOUT_MS });
        if (status === 200) return true;
      } catch (error) {
        logger.warn({ err: error, appservice: appservice.id }, 'an application service could not be asked');
      }
    }
    return false;
  }

  /** Many may ask for the same thing at once; the service is asked once. */
  async function once(id: string, appservices: readonly Appservice[], question: Question): Promise<boolean> {
    if (appservices.length === 0) return false;
    const asking = underWay.get(id) ?? ask(appservices, question).finally(() => underWay.delete(id));
    underWay.set(id, asking);
    return await asking;
  }

  return {
    forUser: async (userId) => {
      if (serverNameOf(userId) !== serverName) return false;
      return await once(userId, registry.listByUser(userId), { endpoint: queryUserById, params: { userId } });
    },
    forAlias: async (alias) => await once(alias, registry.listByAlias(alias), { endpoint: queryRoomByAlias, params: { roomAlias: alias } }),
  };
}
