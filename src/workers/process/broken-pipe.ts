/**
 * Listener for `error` events of a child's pipes. A pipe breaks when its other end is gone, which the child's
 * exit tells as well. Without a listener the error would be thrown.
 */
export function ignoreBrokenPipe(): void {}
