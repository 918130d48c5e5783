/** What a server says of a login, in the forms that servers say it in. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bearerChallenge, isScope } from '#src/shared/model/challenge.ts';

const PLACE = 'https://x.example/.well-known/oauth-protected-resource/mcp';

test.each([
  [`Bearer resource_metadata="${PLACE}"`, PLACE, null, null],
  [`bearer  error="invalid_token" , resource_metadata=${PLACE}`, PLACE, null, 'invalid_token'],
  [`Basic realm="a, Bearer b", Bearer RESOURCE_METADATA="${PLACE}"`, PLACE, null, null],
  ['Negotiate YWJj==, Bearer scope="read write"', null, 'read write', null],
  [
    `Bearer realm="say \\"Bearer\\"", scope=mcp:tools, resource_metadata="${PLACE}", Digest scope=x`,
    PLACE,
    'mcp:tools',
    null,
  ],
  [
    'Bearer error="insufficient_scope", scope="repo admin:org"',
    null,
    'repo admin:org',
    'insufficient_scope',
  ],
  ['Bearer scope="$(touch x)", error="see `id`"', null, null, null],
])('%s', (header, resourceMetadata, scope, error) => {
  expect(bearerChallenge(header)).toEqual({ resourceMetadata, scope, error, isOAuth: true });
});

test.each([
  ['Bearer', false],
  ['Bearer realm="scope=x"', false],
  ['Bearer error="invalid_token"', false],
  ['Basic realm="resource_metadata=x"', null],
  ['', null],
  [undefined, null],
])('%s says nothing of OAuth', (header, isOAuth) => {
  expect(bearerChallenge(header)?.isOAuth ?? null).toBe(isOAuth);
});

test('no header is too odd, and none gives a scope that a shell would read', () => {
  const odd = fc.array(
    fc.constantFrom('Bearer ', 'scope=', '"', '\\', ',', ' ', '=', 'a', '`', '$', ';'),
    {
      maxLength: 200,
    },
  );
  fc.assert(
    fc.property(odd, (parts) => {
      const found = bearerChallenge(parts.join(''));
      expect(found?.scope ?? '').toMatch(/^[\w:./+@*~ -]*$/);
    }),
  );
  expect(isScope('a'.repeat(301))).toBe(false);
  expect(isScope('a  b')).toBe(false);
});
