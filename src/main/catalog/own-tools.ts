/**
 * The tools of the gateway itself, as they are listed.
 */

export const HEALTH_TOOL_NAME = '__rea__health';

export const HEALTH_TOOL = {
  name: HEALTH_TOOL_NAME,
  title: 'Gateway health',
  description:
    'Health of the rea gateway: kill switch, and phase, circuit, restarts and load of each server behind it.',
  inputSchema: { type: 'object', properties: {}, additionalProperties: false },
  annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
} as const;
