/**
 * What the name of a variable, header, argument or member says of its value. Pure; knows nothing of
 * values.
 */

export type NameKind =
  /** Its value is known to be no secret, whatever it looks like. */
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

/** Of a name, that is looked at. */
const LONGEST = 256;

/** A secret is only spoken of: where it is, how it is made, how much it may be. */
const ABOUT_A_SECRET =
  /(?:file|path|dir|directory|sock|socket|url|uri|endpoint|host|port|type|mode|format|kind|method|scheme|algorithm|name|header|version|region|ttl|timeout|expiry|length|size|limit|count|enabled)s?$|(?:max|min|num|budget|limit)[\w.-]*tokens?$/i;

/** @param name of a variable or header. */
export function kindOfName(name: string): NameKind {
  if (HARMLESS.test(name)) return 'harmless';
  return namesSecret(name) ? 'secret' : 'ordinary';
}

/** @param name of an argument, a member or a part of a connection text, where PWD is a password. */
export function namesSecret(name: string): boolean {
  const end = name.slice(-LONGEST);
  return SECRET.test(end) && !ABOUT_A_SECRET.test(end);
}
