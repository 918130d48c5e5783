/**
 * For the `error` events of a child's pipes. A pipe breaks because its other end is gone, and that is
 * learnt from the child's exit; the event must be listened to all the same, or it would be thrown.
 */
export function ignoreBrokenPipe(): void {}
