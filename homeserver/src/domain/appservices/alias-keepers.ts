import { exclusive } from '../../platform/matrix-error.ts';
import type { AliasKeepers } from '../directory/aliases.ts';
import { isWithin } from './appservice.ts';
import type { AskAppservices } from './ask.ts';
import type { AppserviceRegistry } from './registry.ts';

/** What application services have to say about aliases. https://spec.matrix.org/latest/application-service-api/#server-admin-style-permissions */
export function createAliasKeepers(registry: AppserviceRegistry, ask: AskAppservices): AliasKeepers {
  const owns = (appserviceId: string, alias: string) => isWithin(registry.find(appserviceId)?.namespaces.aliases ?? [], alias);
  return {
    owns,
    checkMayUse: (alias, appserviceId) => {
      if (appserviceId !== undefined && !owns(appserviceId, alias))
        throw exclusive(`The alias ${alias} is not in the application service's namespaces.`);
      if (appserviceId === undefined && registry.isAliasReserved(alias))
        throw exclusive(`The alias ${alias} is kept for an application service.`);
    },
    askFor: ask.forAlias,
  };
}
