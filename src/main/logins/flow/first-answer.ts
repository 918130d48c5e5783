/** Of several ways in which an answer may come, the first one; or the end of the login. */
export function firstAnswer<T>(answers: readonly Promise<T>[], signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason as Error);
    // It may have ended while the address was made.
    if (signal.aborted) return end();
    signal.addEventListener('abort', end, { once: true });
    for (const answer of answers) answer.then(resolve, reject);
  });
}
