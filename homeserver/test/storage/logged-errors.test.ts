import { expect, test } from 'vitest';
import { createLogger } from '../../src/platform/logger.ts';
import { openPool } from '../../src/storage/database.ts';
import { createTestDatabase } from '../kit/shared-postgres.ts';

const SECRET = 'the words of Juliet';

/** What a logger writes of an error. */
function written(error: unknown): string {
  const lines: string[] = [];
  createLogger('info', { write: (line) => lines.push(line) }).error({ err: error }, 'it failed');
  return lines.join('');
}

async function failureOf(work: PromiseLike<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

test('what the database refuses is logged by its names, never by its values', async () => {
  await using database = await createTestDatabase();
  const sql = openPool(database.address, { maxConnections: 1, onQuery: () => undefined });
  await using _closing = { [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
  await sql`create table letters (body text primary key, age integer check (age > 0))`;
  await sql`insert into letters values (${SECRET}, 1)`;

  const failures = [
    sql`insert into letters values (${SECRET}, 1)`, // the key is in the detail
    sql`insert into letters values (${`${SECRET}!`}, 0)`, // the failing row is in the detail
    sql`select ${SECRET}::text::integer`, // the value is in the message
    sql`select ${'9'.repeat(30)}::text::integer, ${SECRET}::text`, // out of range
    sql`select ${`{"body": ${SECRET}`}::text::json`, // the text is in detail and context
    sql`insert into letters select t, -1 from unnest(${[SECRET]}::text[]) as t on conflict do nothing`,
  ];
  for (const failure of failures) {
    const error = await failureOf(failure);
    expect(error).toBeInstanceOf(Error);
    expect(written(error)).not.toContain(SECRET);
    expect(written(new Error('the log could not be written', { cause: error }))).not.toContain(SECRET);
  }
  const line: unknown = JSON.parse(written(await failureOf(sql`insert into letters values (${SECRET}, 1)`)));
  expect(line).toMatchObject({
    msg: 'it failed',
    err: { type: 'PostgresError', code: '23505', table_name: 'letters', constraint_name: 'letters_pkey' },
  });
  expect(line).toHaveProperty('err.stack', expect.stringContaining('logged-errors.test.ts'));
});

test('what an error carries of a request or an answer is not logged', async () => {
  const carrying = Object.assign(new Error('refused', { cause: Object.assign(new Error('inner'), { body: SECRET }) }), {
    response: { data: SECRET },
    request: SECRET,
    code: 'EREFUSED',
  });
  expect(written(carrying)).not.toContain(SECRET);
  expect(JSON.parse(written(carrying))).toMatchObject({ err: { message: 'refused', code: 'EREFUSED', cause: { message: 'inner' } } });
  expect(written(await failureOf(Promise.resolve().then(() => JSON.parse(SECRET))))).not.toContain('Juliet');
  expect(written({ thrown: SECRET })).not.toContain(SECRET);
  const several = new AggregateError([carrying, new Error('other')], 'all failed');
  expect(written(several)).not.toContain(SECRET);
  expect(written(several)).toContain('other');
});
