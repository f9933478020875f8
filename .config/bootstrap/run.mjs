import { spawn } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { ROOT } from './paths.mjs';
import { watchNpm } from './watch-npm.mjs';

const isWindows = process.platform === 'win32';
const PARENT_CHECK_MS = 300;

/** Runs a program and returns what it printed. Its errors go to the terminal. */
export async function capture(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], shell: isWindows, ...options });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  const code = await untilEnd(child, program);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} failed (${code})`);
  return printed;
}

/** Runs npm under the given Node: packages for other Nodes are skipped by the npm that installs. */
export async function runNpm(node, args) {
  const child = spawn('npm', args, { cwd: ROOT, env: withNode(node), stdio: ['ignore', 2, 'inherit'], shell: isWindows });
  const code = await passingSignals([child], () => untilEnd(child, 'npm'));
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed (${code})`);
}

/**
 * Runs a command's steps under the given Node, one after the other, or together when they are `together`; ends with the first exit code
 * that is not 0. Signals are passed on; when the npm that started us was killed, which tells nobody, they are told to stop.
 */
export async function runForeground(node, { steps, together = false }) {
  if (together) return await runAtOnce(node, steps);
  for (const step of steps) {
    const code = await runAtOnce(node, [step]);
    if (code !== 0) return code;
  }
  return 0;
}

async function runAtOnce(node, steps) {
  const children = steps.map(({ args, env = {}, cwd = ROOT, watchesParent = false }) => {
    const parent = watchesParent ? { BLINKCHAT_PARENT_PID: String(process.pid) } : {};
    return spawn(node, args, { cwd, stdio: 'inherit', env: { ...withNode(node), ...env, ...parent } });
  });
  const codes = await passingSignals(children, () =>
    Promise.all(
      children.map(async (child) => {
        const code = await untilEnd(child, node);
        for (const other of children) if (other !== child) other.kill('SIGTERM');
        return code;
      }),
    ),
  );
  return codes.find((code) => code !== 0) ?? 0;
}

/** The exit code; for a child that a signal ended, 128 and the signal's number, as a shell has it. */
async function untilEnd(child, program) {
  return await new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new Error(`cannot run ${program}: ${cause.message}`, { cause })));
    child.once('close', (code, signal) => resolve(code ?? 128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 1)));
  });
}

async function passingSignals(children, work) {
  const pass = (signal) => {
    for (const child of children) child.kill(signal);
  };
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  for (const signal of signals) process.on(signal, pass);
  const isOrphan = await watchNpm();
  const watch = setInterval(async () => {
    if (await isOrphan()) pass('SIGTERM');
  }, PARENT_CHECK_MS);
  try {
    return await work();
  } finally {
    clearInterval(watch);
    for (const signal of signals) process.off(signal, pass);
  }
}

function withNode(node) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
}
