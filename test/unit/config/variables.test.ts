import { describe, expect, it } from 'vitest';
import {
  expand as expandIn,
  hasReference,
  inputVariable,
  toRegistryText,
} from '#src/main/config/variables.ts';

const env = { A: 'one', EMPTY: '' };
const FOLDER = '/srv/my project';

function expand(text: string, dialect: 'registry' | 'client', of: NodeJS.ProcessEnv) {
  return expandIn(text, dialect, of, FOLDER);
}

describe('references', () => {
  it.each([
    ['${A}', 'one'],
    ['x${A}y${A}', 'xoneyone'],
    ['${NONE:-two}', 'two'],
    ['${NONE:-}', ''],
    ['${EMPTY}', ''],
    ['${EMPTY:-two}', 'two'],
    ['${A:-two}', 'one'],
    ['$${A}', '${A}'],
    ['$A $ $$ {A}', '$A $ $$ {A}'],
  ])('%s is read as %j', (text, expected) => {
    for (const dialect of ['registry', 'client'] as const) {
      expect(expand(text, dialect, env)).toMatchObject({
        text: expected,
        missing: [],
        editor: [],
        unclear: [],
      });
    }
  });

  it('are listed with what was put in for them', () => {
    expect(expand('x${A}${NONE:-two}${EMPTY}${X}$${A}', 'registry', env).variables).toEqual([
      { name: 'A', value: 'one' },
      { name: 'NONE', value: 'two' },
      { name: 'EMPTY', value: '' },
    ]);
  });

  it('to variables that are not set are listed', () => {
    expect(expand('${X}${A}${Y}', 'registry', env).missing).toEqual(['X', 'Y']);
  });

  it.each(['${command:x}', '${config:a.b}', '${workspaceFolder:web}', '${file:~/key}'])(
    '%s can only be filled in by an editor',
    (text) => {
      expect(expand(`a/${text}`, 'registry', env).editor).toEqual([text]);
      expect(expand(`a/${text}`, 'client', env).editor).toEqual([text]);
    },
  );

  it.each([
    ['${workspaceFolder}/x', `${FOLDER}/x`],
    ['${workspaceFolderBasename}', 'my project'],
    ['a${pathSeparator}b${/}c', 'a/b/c'],
    ['${userHome}/x', '/home/me/x'],
    ['${input:key}', 'asked'],
  ])('%s of a client is %s, and an editor\u2019s in a registry', (text, expected) => {
    const given = { HOME: '/home/me', KEY: 'asked', A: 'one' };
    expect(expand(text, 'client', given).text).toBe(expected);
    expect(expand(toRegistryText(text, FOLDER), 'registry', given).text).toBe(expected);
    expect(expand('${workspaceFolder}', 'registry', given).editor).toHaveLength(1);
  });

  it.each([
    ['key', 'KEY'],
    ['api-key', 'API_KEY'],
    ['perplexity.api key!', 'PERPLEXITY_API_KEY'],
    ['2fa', 'INPUT_2FA'],
    ['path', 'INPUT_PATH'],
    ['home', 'INPUT_HOME'],
    ['\u6d4f', 'INPUT'],
  ])('what is asked for as %s is the variable %s', (id, name) => {
    expect(inputVariable(id)).toBe(name);
  });

  it.each(['${', '${A', '${1}', '${A-b}', '${A:?x}', '${}', '${A:-${B}}'])(
    '%s is reported in a registry and left alone in the file of a client',
    (text) => {
      expect(expand(text, 'registry', env).unclear).toHaveLength(1);
      expect(expand(text, 'client', { B: 'b' }).unclear).toEqual([]);
    },
  );

  it('in the form of a client are read there and corrected in a registry', () => {
    expect(expand('${env:A}', 'client', env).text).toBe('one');
    expect(expand('${env:A}', 'registry', env).unclear[0]?.fix).toBe('write ${A}');
  });

  it.each([
    '${env:A}',
    '${A}',
    '$${A}',
    '${A:-x}',
    '${1',
    'x$$$${A}',
    '$${env:A}',
    '${input:k}',
    '$',
  ])('%s of a client means the same when it is written to a registry', (text) => {
    const written = expand(toRegistryText(text, FOLDER), 'registry', env);
    expect(written).toEqual(expand(text, 'client', env));
    expect(hasReference(toRegistryText(text, FOLDER), 'registry')).toBe(
      hasReference(text, 'client'),
    );
  });
});
