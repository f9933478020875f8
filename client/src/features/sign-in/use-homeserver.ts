import { getServerKey } from 'federation-spec/api/server/keys.ts';
import { type Ref, ref, type ShallowRef, shallowRef, watch } from 'vue';
import { stringIn } from '../../matrix/json.ts';
import { discoverHomeserver, type Homeserver } from '../../matrix/session/discover-homeserver.ts';

const NAME_TIMEOUT_MS = 5_000;

export type HomeserverSearch = {
  typed: Ref<string>;
  found: ShallowRef<Homeserver | undefined>;
  isSearching: Ref<boolean>;
  hasFailed: Ref<boolean>;
  /** The homeserver behind what is typed now; nothing when none answers. Asks once per name. */
  find(): Promise<Homeserver | undefined>;
};

/**
 * The part of its users' ids after the colon. The page may come from another host than that (`chat.example.org` for `example.org`), and only
 * the federation API tells it; a server that does not answer there is taken at the name it was found by.
 */
async function askServerName(homeserver: Homeserver): Promise<string> {
  try {
    const response = await fetch(homeserver.baseUrl + getServerKey.path, { signal: AbortSignal.timeout(NAME_TIMEOUT_MS) });
    const keys: unknown = await response.json();
    return stringIn(keys, 'server_name') ?? homeserver.serverName;
  } catch {
    return homeserver.serverName;
  }
}

/** The homeserver a person types, looked up as they go. It begins with the one this page came from. */
export function useHomeserver(): HomeserverSearch {
  const typed = ref(window.location.host);
  const found = shallowRef<Homeserver>();
  const isSearching = ref(false);
  const hasFailed = ref(false);
  let asked: { name: string; answer: Promise<Homeserver | undefined> } | undefined;

  watch(typed, () => {
    found.value = undefined;
    hasFailed.value = false;
  });

  async function look(name: string): Promise<Homeserver | undefined> {
    isSearching.value = true;
    try {
      // Our own host is asked under the scheme this page came by; any other name is looked up as the specification says.
      const target = name === window.location.host ? window.location.origin : name;
      const homeserver = await discoverHomeserver((input, init) => fetch(input, init), target);
      if (typed.value.trim() === name) found.value = { ...homeserver, serverName: await askServerName(homeserver) };
      return homeserver;
    } catch {
      if (typed.value.trim() === name) hasFailed.value = true;
      asked = undefined;
      return undefined;
    } finally {
      if (typed.value.trim() === name) isSearching.value = false;
    }
  }

  function find(): Promise<Homeserver | undefined> {
    const name = typed.value.trim();
    if (name === '') return Promise.resolve(undefined);
    if (asked?.name !== name) asked = { name, answer: look(name) };
    return asked.answer;
  }

  void find();
  return { typed, found, isSearching, hasFailed, find };
}
