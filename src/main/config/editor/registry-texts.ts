/**
 * What an editor says of each key of `registry.yaml`: one or two sentences, units included. docs/configuration.md
 * has the whole story. Keys within a mapping are written with a dot.
 */

/** Of the file itself. */
export const REGISTRY_TEXTS: Readonly<Record<string, string>> = {
  version: 'The version of this format: "1".',
  defaults: 'Options for all servers, and settings of the gateway itself.',
  servers: 'The MCP servers behind the gateway.',
};

/** Of a server, and of nothing else. */
export const SERVER_TEXTS: Readonly<Record<string, string>> = {
  name: 'The name of the server, unique in this file: a-z, 0-9 and "-", at most 32. It is not a name of the gateway, such as "rea".',
  command:
    'The program to start. It is started directly, never through a shell. A server has either this or url.',
  args: 'The arguments of the program.',
  url: 'The address of a server that speaks Streamable HTTP. A server has either this or command.',
  headers:
    'HTTP headers that are sent with every request. Their values are hidden in all that rea shows.',
  token_file: 'A file with a bearer token. It is read at each connect.',
  oauth:
    'How rea is known to the authorization server of the server, for rea login. It is needed only where rea cannot register itself.',
  'oauth.issuer':
    'The issuer of its authorization server, as that names itself: no other one is asked. It has to be there with client_secret.',
  'oauth.client_id':
    'The id of a client that was made there, for the redirect http://127.0.0.1/callback.',
  'oauth.client_secret': 'The secret of that client, as ${NAME} of a variable.',
  'oauth.client_metadata_url':
    'The https address of a client metadata document, which is the id where that is supported.',
  'oauth.scopes': 'What rea login asks for. Without it, what the server asks for.',
  insecure_http: 'true: the address may be http: on any host. Without it only on this machine.',
  prefix:
    'Tools and prompts are called PREFIX__NAME. "" leaves their names as they are. The default is the name of the server.',
  resources: 'Which resources belong to this server, whoever else lists them.',
  'resources.owner': 'URIs, or patterns of URIs, such as res://bank/*.',
};

/** Of a server, and of `defaults`. */
export const OPTION_TEXTS: Readonly<Record<string, string>> = {
  cwd: 'The directory that the program runs in. The default is the directory of the gateway (--cwd).',
  env: 'Variables for the program. Their values are hidden in all that rea shows.',
  env_passthrough: 'Names of variables of the gateway that the program gets, too.',
  env_file: 'A file of NAME=value lines with more variables, relative to --cwd.',
  enabled: 'false: the server is not started and not listed.',
  client_capabilities:
    'What the server is told that its client can do, such as {sampling: {}, elicitation: {}}. The default is what the client says.',
  asks: 'What the server may ask of people and models through the client.',
  'asks.elicitation': 'Whether it may ask the person.',
  'asks.sampling': "Whether it may use the client's model.",
  'asks.unsolicited': 'Whether it may ask while no call of the client is in flight there.',
  tools: "Which tools are offered: patterns of the server's own tool names. deny wins over allow.",
  'tools.allow': 'Only these tools are offered.',
  'tools.deny': 'These tools are not offered, and never called.',
  instructions: 'off: clients are not told what the server says of itself.',
  pin: 'off: for a server under development. Its program may be any, once you have accepted just that.',
  protocol:
    'The revision of MCP that is spoken with it: legacy (with a handshake), modern (2026-07-28), or auto: what it speaks.',
  start_timeout_ms:
    'Milliseconds from the start to the end of the handshake; up to four times as long while the server is at work.',
  call_timeout_ms: 'Milliseconds for a call. Progress starts them again.',
  call_total_timeout_ms: 'Milliseconds for a call in all, progress or not.',
  ask_timeout_ms:
    'Milliseconds that a call may wait for its client to answer what the server asks.',
  max_concurrency: 'Calls in flight at the same time. More than these wait.',
  max_queue: 'Calls that may wait. More than these are refused.',
  max_message_bytes: 'Bytes of a message of the server. A larger one is an error for its call.',
  max_result_bytes: 'Bytes of a result. The texts of a larger one are cut.',
  restart: 'How a server that has died is started again.',
  'restart.intensity': 'So many restarts within period_ms make a crash loop.',
  'restart.period_ms': 'Milliseconds in which restarts are counted.',
  'restart.backoff_ms':
    'Milliseconds that the second restart waits at most. Each further one waits up to twice as long.',
  'restart.backoff_max_ms': 'Milliseconds that a restart waits at most.',
  'restart.stable_ms': 'Milliseconds without a death after which the waiting begins anew.',
  breaker: 'When calls are refused because the server fails too often.',
  'breaker.failures': 'So many incidents in a row open the circuit.',
  'breaker.cooldown_ms': 'Milliseconds until one call may try again.',
  liveness: 'When a silent server is taken for hung.',
  'liveness.idle_ms': 'Milliseconds of silence after which the server is pinged.',
  'liveness.timeout_ms': 'Milliseconds for the answer to a ping.',
  'liveness.misses': 'So many pings without an answer are a stall, and the server is replaced.',
  priority: 'Its share of the CPU: auto, normal (never lowered) or low (always).',
  trusted: "true: its tools' annotations may also lower their tier.",
  start: 'lazy: the server is started by its first call.',
  idle_stop_ms:
    'Milliseconds without use after which the server is stopped until the next call. 0 = never.',
  max_rss_mb:
    'MiB of memory of all its processes. Above that it is started anew between two calls. 0 = no limit.',
  detached:
    'What becomes of processes that it has started outside of its process group, when it ends: end them, or leave them.',
  instances: 'session: each client has a process of its own.',
  max_instances: 'So many processes with instances: session.',
  tier_overrides:
    'The tier of single tools, such as {wipe: destructive}. It counts before annotations and names.',
  max_calls_per_minute:
    'Calls of all clients together within a minute. More are refused. 0 = no limit.',
};

/** Of `defaults`, and of nothing else: they are about the gateway. */
export const GATEWAY_TEXTS: Readonly<Record<string, string>> = {
  threads: 'The threads that watch over the servers.',
  'threads.mode':
    'auto: a thread for each server, until there are more than dedicated_up_to of them.',
  'threads.dedicated_up_to': 'With mode auto: more servers than this share threads.',
  'threads.most_shared': 'So many threads at most for all servers that share one.',
  'threads.heap_mb': 'MiB of heap for the thread of one server.',
  'threads.stall_ms': 'Milliseconds that a thread may stand still before it is replaced.',
  list_wait_ms: 'Milliseconds that the first list of a run waits for servers that were never seen.',
  idle_exit_ms: 'Milliseconds that a shared gateway goes on without a client.',
  byte_credit_mb:
    'MiB of messages in the gateway beyond which servers are read one after the other. At least three times the largest max_message_bytes.',
  slow_client_ms:
    'Milliseconds after which the connection of an HTTP client that takes nothing is closed.',
  http: 'Limits for clients over HTTP.',
  'http.max_sessions': 'Sessions at the same time.',
  'http.max_connections': 'Open connections at the same time.',
};
