/** How many servers are asked at a time for what one client wants to know of their users. */
const MAX_AT_ONCE = 40;

type Asking = {
  /** Once so long has passed no further server is asked. */
  patienceMs: number;
  /** Asks one server, for as long as it may take itself; does not throw. */
  ask: (server: string) => Promise<void>;
  /** Told of a server that was not asked any more. */
  missed: (server: string) => void;
};

/** Asks many servers side by side, within measure: a client may name thousands, of which none needs to answer. */
export async function askServers(servers: readonly string[], { patienceMs, ask, missed }: Asking): Promise<void> {
  const lastStart = performance.now() + patienceMs;
  let next = 0;
  async function askOneAfterTheOther(): Promise<void> {
    for (let server = servers[next++]; server !== undefined; server = servers[next++]) {
      if (performance.now() > lastStart) missed(server);
      else await ask(server);
    }
  }
  await Promise.all(Array.from({ length: Math.min(MAX_AT_ONCE, servers.length) }, askOneAfterTheOther));
}

/** What a client is told of a server that failed. */
export const noAnswer = () => ({ errcode: 'M_UNKNOWN', error: 'The server did not answer' });
export const notAsked = () => ({ errcode: 'M_UNKNOWN', error: 'The server was not asked in time: too many were to be asked before it' });
