/** The path of a request, part by part. Pure. */

/** @returns the decoded parts; null: one is no text in UTF-8. */
export function partsOf(path: string): string[] | null {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
