/** The entry of a new server from the words of `rea add`, which are those of `claude mcp add`. Pure. */

export interface EntryOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly header: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly transport?: string;
}

const HTTP = new Set(['http', 'streamable-http']);

/** @param words the program and its arguments, or an address. @returns in place of it one line. */
export function entryOf(
  words: readonly string[],
  { env, header, url: named, transport }: EntryOptions,
): Readonly<Record<string, unknown>> | string {
  const [first, ...args] = words;
  const isHttp = transport !== undefined && HTTP.has(transport);
  if (transport !== undefined && !isHttp && transport !== 'stdio') {
    return `--transport ${transport.slice(0, 40)}: rea speaks stdio and http`;
  }
  const url = named ?? (isHttp ? first : undefined);
  if (url !== undefined) {
    if (named !== undefined && first !== undefined)
      return 'a server has --url or a command, not both';
    if (args.length > 0) return 'an address has no arguments';
    if (Object.keys(env).length > 0)
      return '--env is for a command; a server with --url is not started';
    return { url, ...(Object.keys(header).length === 0 ? {} : { headers: header }) };
  }
  if (isHttp) return 'give its address: --url URL';
  if (first === undefined) {
    return 'give its command behind --, like rea add files -- npx -y some-server, or --url URL';
  }
  if (Object.keys(header).length > 0) return '--header is for --url';
  return {
    command: first,
    ...(args.length === 0 ? {} : { args }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
  };
}
