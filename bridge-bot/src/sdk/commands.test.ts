import { expect, test } from 'vitest';
import { createCommandTable, parseCommand } from './commands.ts';

test('quotes hold words together, and the rest stays as it was typed', () => {
  expect(parseCommand('  !Hook create "build alerts"  grafana ')).toEqual({
    name: '!hook',
    args: ['create', 'build alerts', 'grafana'],
    rest: 'create "build alerts"  grafana',
  });
  expect(parseCommand('!echo')).toEqual({ name: '!echo', args: [], rest: '' });
  expect(parseCommand('   ')).toBeUndefined();
});

test('only the whole first word is a command', () => {
  const table = createCommandTable();
  table.add('!echo', async () => undefined, { about: 'says it again' });
  expect(table.find('!echo hello')?.command.rest).toBe('hello');
  expect(table.find('!echoes hello')).toBeUndefined();
  expect(table.find('say !echo')).toBeUndefined();
  expect(table.list()).toEqual([{ name: '!echo', about: 'says it again' }]);
  expect(() => table.add('two words', async () => undefined)).toThrow();
});
