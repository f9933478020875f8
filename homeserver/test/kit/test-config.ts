import type { Config } from '../../src/config/config.ts';
import { readEnv } from '../../src/config/read-env.ts';

/** Settings that make a test fast and talkative about faults; anything may be replaced. */
export function testConfig(settings: Partial<Config> & Pick<Config, 'serverName' | 'dataDir' | 'port'>): Config {
  const read = readEnv({});
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return {
    ...read.config,
    publicUrl: `http://127.0.0.1:${settings.port}`,
    registration: 'open',
    rateLimits: false,
    passwordCost: 4,
    presence: false,
    outboundAllow: ['127.0.0.0/8', '::1/128'],
    logLevel: 'warn',
    ...settings,
  };
}
