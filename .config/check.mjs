// Everything that can be said about the code without running servers, in under a minute.
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './bootstrap/paths.mjs';

const bin = (path) => `${ROOT}/node_modules/${path}`;
const TSC = bin('typescript/bin/tsc');
/** Two compilers at a time are as fast as two cores get. */
const AT_ONCE = 2;
const PACKAGES = ['federation-spec', 'homeserver', 'client', 'bridge-bot'];

const CHECKS = [
  { name: 'types: client', args: [bin('vue-tsc/bin/vue-tsc.js'), '-p', 'client'] },
  { name: 'types: homeserver', args: [TSC, '-p', 'homeserver'] },
  { name: 'types: federation-spec', args: [TSC, '-p', 'federation-spec'] },
  { name: 'types: bridge-bot', args: [TSC, '-p', 'bridge-bot'], needs: 'bridge-bot/src' },
  { name: 'types: the compiler finds errors', args: [TSC, '-p', '.config/canary'], judge: findsCanary },
  {
    name: 'floors',
    args: [bin('dependency-cruiser/bin/dependency-cruiser.mjs'), '--config', '.config/layers.cjs', '--output-type', 'json', ...PACKAGES],
    judge: judgeFloors,
  },
  { name: 'Node reads every source', args: ['--experimental-vm-modules', '.config/parse-sources.mjs'] },
  { name: 'the homeserver loads', args: ['homeserver/src/main.ts', '--help'] },
  { name: 'format and lint', args: [bin('@biomejs/biome/bin/biome'), 'ci', '--colors=off', '.'] },
  {
    name: 'pure tests',
    args: [bin('vitest/vitest.mjs'), 'run', '--config', '.config/vitest.config.ts', '--project', 'pure', '--reporter=dot'],
  },
];

const queue = [...CHECKS];
const failed = [];
const startedAt = Date.now();
await Promise.all(Array.from({ length: AT_ONCE }, work));
console.log(failed.length === 0 ? `All checks passed in ${seconds(startedAt)}.` : `Failed: ${failed.join(', ')}.`);
process.exit(failed.length === 0 ? 0 : 1);

async function work() {
  for (let check = queue.shift(); check !== undefined; check = queue.shift()) {
    if (check.needs !== undefined && (await listSources(check.needs)).length === 0) continue;
    const begunAt = Date.now();
    const outcome = await run(check.args);
    const problem = await (check.judge ?? judgeExitCode)(outcome);
    console.log(`${problem === undefined ? 'ok  ' : 'FAIL'} ${check.name} (${seconds(begunAt)})`);
    if (problem !== undefined) {
      failed.push(check.name);
      console.log(problem);
    }
  }
}

function run(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.on('close', (code) => resolve({ code, printed, errors }));
  });
}

function judgeExitCode({ code, printed, errors }) {
  return code === 0 ? undefined : printed + errors;
}

/** The canary's one error, and no other. */
function findsCanary({ code, printed }) {
  const found = printed.match(/error TS\d+/g) ?? [];
  return code !== 0 && found.length === 1 && found[0] === 'error TS2322' ? undefined : `The canary was not found:\n${printed}`;
}

/** No import goes up or sideways; and every source file was looked at, because a parser that fails finds nothing wrong. */
async function judgeFloors({ printed, errors }) {
  let report;
  try {
    report = JSON.parse(printed);
  } catch {
    return printed + errors;
  }
  const lines = report.summary.violations.map(({ rule, from, to, cycle }) => {
    const path = cycle === undefined ? to : cycle.map((step) => step.name ?? step).join(' → ');
    return `  ${rule.name}: ${from} → ${path}`;
  });
  const cruised = new Set(report.modules.map(({ source }) => source));
  for (const name of PACKAGES) {
    for (const file of await listSources(`${name}/src`)) if (!cruised.has(file)) lines.push(`  not looked at: ${file}`);
  }
  return lines.length === 0 ? undefined : lines.join('\n');
}

async function listSources(folder) {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && /\.(?:ts|vue)$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
