/**
 * What an editor says of each key of `policy.yaml`: one or two sentences, units included. docs/policy.md and the
 * pages it names have the whole story. Keys within a mapping are written with a dot.
 */
export const POLICY_TEXTS: Readonly<Record<string, string>> = {
  version: 'The version of this format: "1".',
  profile: 'A name that rea status shows.',
  autonomy_level:
    'What calls may do. L0: read. L1: write, too. L2: destroy as well, after a person says yes. L3: all.',
  max_autonomy_level: 'The level is never above this one.',
  ask_timeout_ms: "Milliseconds that a person has to answer the gateway's question (L2).",
  blocked_paths: 'Paths, or patterns of paths, that no argument of a call may name.',
  tools: 'Which tools may be called: patterns of SERVER__TOOL. deny wins over allow.',
  'tools.allow': 'Only these tools may be called.',
  'tools.deny': 'These tools are not listed and never called.',
  halt: 'The kill switch.',
  'halt.cancel_in_flight': 'true: it also ends the calls that are in flight.',
  pins: 'What becomes of programs and definitions that nobody has accepted.',
  'pins.programs': 'A program that is not pinned: block it, warn of it, or off.',
  'pins.definitions':
    'A definition that is new or has changed: review (only what is suspicious is withheld), withhold, or off.',
  redact: 'What becomes of secrets in what servers and clients say.',
  'redact.results': 'Secrets in results: mask them, warn of them, or off.',
  'redact.arguments': 'Secrets in arguments of calls: deny the call, warn of them, or off.',
  'redact.match_timeout_ms': 'It has no effect: patterns take linear time. It may stay.',
  'redact.patterns': 'Regular expressions for more that is to be masked in results.',
  'redact.patterns.name': 'Its name: letters, digits, "_", "." and "-", at most 64.',
  'redact.patterns.regex': 'A regular expression, without slashes around it.',
  'redact.patterns.flags': 'i, m and s have a meaning.',
  injection_detection: 'Results that hide something: warn of them, block them, or off.',
  audit: 'The audit log: on, off, or a mapping.',
  'audit.enabled': 'false: nothing is recorded.',
  'audit.on_failure': 'While records cannot be kept: warn, or deny calls that write.',
  'audit.keep_mb': 'MiB of records. Above that the oldest whole files go. 0 = never.',
  'audit.anchor_command': 'A program, and its arguments, that is given each new anchor.',
  'audit.rotation': 'When a file of records is closed and the next one begins.',
  'audit.rotation.max_bytes': 'Bytes of a file.',
  'audit.rotation.max_age_days': 'Days that a file is written to. Without it, any number.',
  push_gate: 'Pushes of commits that nobody has reviewed: off, warn, enforce, or a mapping.',
  'push_gate.mode': 'off, warn of them, or enforce: refuse them.',
  'push_gate.branches': 'Branches of the remote, or patterns of these, that enforce holds for.',
  'push_gate.paths': 'Paths of the repository, or patterns of these, that enforce holds for.',
  gateway: 'The gateway itself.',
  'gateway.health': 'The tool __rea__health.',
  'gateway.health.expose_diagnostics':
    'true: it tells clients about errors and exits of servers, too.',
  ui: 'The page of rea ui.',
  'ui.show_arguments':
    'true: its list of calls shows what they were given, without secrets. Every policy file has to say so.',
};

/** Of keys that belong to other tools. */
export const FOREIGN_TEXT = 'A key of another tool. It has no effect on the gateway, and may stay.';
