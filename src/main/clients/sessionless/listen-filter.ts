/** What a stream of changes is asked for (`subscriptions/listen`), and what of it the gateway tells. Pure. */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { kindAt, member } from '../../../shared/json/json-slice.ts';
import { MAX_URI_BYTES } from '../../../shared/json/keys.ts';
import { LISTS } from '../../../shared/model/lists.ts';
import { invalid, type Refusal } from '../claims/claim.ts';

export interface Filter {
  /** Methods of notifications. */
  readonly changes: ReadonlySet<string>;
  /** The members of the request that ask for them. */
  readonly honoured: Readonly<Record<string, true>>;
  /** Of resources, each once. */
  readonly uris: readonly string[];
  /** Ids of tasks, each once; null: it does not speak of tasks. */
  readonly taskIds: readonly string[] | null;
}

const LIST_CHANGES = {
  toolsListChanged: LISTS.tools.changed,
  promptsListChanged: LISTS.prompts.changed,
  resourcesListChanged: LISTS.resources.changed,
} as const;
const MAX_URIS = 1000;
const MAX_TASKS = 1000;
/** More than any that was given. */
const MAX_TASK_ID = 1024;
const MAX_BYTES = 1024 * 1024;

export function readFilter(frame: Frame): Filter | Refusal {
  const { line } = frame;
  const params = rangeOf(frame, SLOT.params);
  const at = params === null ? null : member(line, params, 'notifications');
  if (at === null || kindAt(line, at[0]) !== 'object' || at[1] - at[0] > MAX_BYTES) {
    return invalid('subscriptions/listen needs params.notifications (an object)');
  }
  const text = Buffer.from(line.subarray(at[0], at[1])).toString();
  const asked: Record<string, unknown> = JSON.parse(text);
  const uris = asked['resourceSubscriptions'] ?? [];
  if (!Array.isArray(uris) || uris.length > MAX_URIS || !uris.every(isUri)) {
    const what = `an array of at most ${MAX_URIS} strings of at most ${MAX_URI_BYTES} bytes`;
    return invalid(`params.notifications.resourceSubscriptions must be ${what}`);
  }
  const taskIds = asked['taskIds'] ?? [];
  if (!Array.isArray(taskIds) || taskIds.length > MAX_TASKS || !taskIds.every(isTaskId)) {
    return invalid(`params.notifications.taskIds must be an array of at most ${MAX_TASKS} ids`);
  }
  const honoured: Record<string, true> = {};
  const changes = new Set<string>();
  for (const [name, method] of Object.entries(LIST_CHANGES)) {
    if (asked[name] !== true) continue;
    honoured[name] = true;
    changes.add(method);
  }
  return {
    changes,
    honoured,
    uris: [...new Set<string>(uris)],
    taskIds: asked['taskIds'] === undefined ? null : [...new Set<string>(taskIds)],
  };
}

function isTaskId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TASK_ID;
}

function isUri(value: unknown): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) <= MAX_URI_BYTES;
}
