import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';
import { statements } from './migrations.ts';

describe('statements', () => {
  it('are told apart by the semicolon at the end of a line', () => {
    const sql = "-- sluice: contract\nDROP TABLE a;\nINSERT INTO b VALUES ('x; y');\n\n-- the end\n";
    expect(statements(sql)).toEqual(['DROP TABLE a', "INSERT INTO b VALUES ('x; y')"]);
  });
});

describe('readConfig', () => {
  it('names all that is missing or wrong at once, and no value', () => {
    const read = () =>
      readConfig({ PORT: '99999', LOG_LEVEL: 'loud', DATABASE_PASSWORD: 'hunter2', DATABASE_HOST: 'db' });
    expect(read).toThrow(
      'LOG_LEVEL is none of trace, debug, info, warn, error; PORT is not a port; DATABASE_USER is missing; DATABASE_NAME is missing',
    );
  });
});
