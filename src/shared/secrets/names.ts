/**
 * Judges by the name of a variable, header, argument or member if its value is secret. Pure; never looks
 * at values.
 */

export type NameKind =
  /** Its value is known not to be a secret, whatever it looks like. */
  | 'harmless'
  /** Its value may be anything. */
  | 'ordinary'
  /** Its value is a secret, however plain it looks. */
  | 'secret';

const HARMLESS = new RegExp(
  `^(?:${[
    'HOME|USER|USERNAME|LOGNAME|HOSTNAME|SHELL|SHLVL|PATH|PWD|OLDPWD|TMPDIR|TEMP|TMP|EDITOR|PAGER',
    'TERM|COLORTERM|LANG|LANGUAGE|TZ|DISPLAY|WAYLAND_DISPLAY|NO_COLOR|FORCE_COLOR',
    '(?:LC|XDG)_\\w+|(?:HTTPS?|ALL|NO|FTP)_PROXY|NODE_ENV|NODE_PATH|PYTHONPATH|LD_LIBRARY_PATH',
    'NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR',
  ].join('|')})$`,
  'i',
);

const SECRET =
  /token|key|secret|passw|passphrase|pwd|credential|auth(?!ors?(?![a-z]))|cookie|signature|bearer|webhook|(?:^|[_.-])(?:pass|pat|dsn)(?:$|[_.-])/i;

/** Characters at the end of a name that are looked at. */
const LONGEST = 256;

/** The value is only about a secret: its place, its kind, its limits. */
const ABOUT_A_SECRET =
  /(?:file|path|dir|directory|sock|socket|url|uri|endpoint|host|port|type|mode|format|kind|method|scheme|algorithm|name|header|version|region|ttl|timeout|expiry|length|size|limit|count|enabled)s?$|(?:max|min|num|budget|limit)[\w.-]*tokens?$/i;

/** @param name of a variable or header. */
export function kindOfName(name: string): NameKind {
  if (HARMLESS.test(name)) return 'harmless';
  return namesSecret(name) ? 'secret' : 'ordinary';
}

/** @param name of an argument, a member or a part of a connection string, where PWD is a password. */
export function namesSecret(name: string): boolean {
  const end = name.slice(-LONGEST);
  return SECRET.test(end) && !ABOUT_A_SECRET.test(end);
}
