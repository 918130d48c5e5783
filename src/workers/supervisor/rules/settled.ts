/**
 * For how long a directory has to have been left alone before what was seen in it is remembered: coarser than
 * the clock of any local file system (FAT: 2 s), so that no other change can have the same time.
 */
export const SETTLED_MS = 3000;
