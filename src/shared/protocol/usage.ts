/**
 * Measurements of the servers' process trees by the state writer. Types only.
 */

/** One session of a process tree, named by one of its living processes; pids alone can be reused. */
export interface TreeSession {
  readonly id: number;
  readonly pid: number;
  /** Start time of that process, in the form of the system. */
  readonly startTime: string;
}

/** Usage of a server's process tree: its group, and processes that its members started in other groups. */
export interface TreeUsage {
  readonly pgid: number;
  /** MiB, one decimal; pages shared between its processes count once for each. */
  readonly rssMb: number;
  /** CPU time so far in ms; never falls while the group lives. */
  readonly cpuMs: number;
  /** `cpuMs`, and the time that its threads waited for a CPU while it was busy. */
  readonly wantedMs: number;
  /** Percent of one core since the previous sample, one decimal; null in the first one. */
  readonly cpuPercent: number | null;
  /** The session of the group itself first. */
  readonly sessions: readonly TreeSession[];
}

/** One sample of all trees; also from a writer that does not own the state file. */
export interface UsageMessage {
  readonly type: 'usage';
  /** Ms of the clock that all threads share (`process.hrtime`). */
  readonly at: number;
  readonly trees: readonly TreeUsage[];
}

/**
 * Cores that a tree got and wanted, over a tenth of a second to a second. Only the first thread of each
 * process counts.
 */
export interface TreeDemand {
  readonly pgid: number;
  readonly ranCores: number;
  /** `ranCores`, and the cores that they waited for. */
  readonly wantedCores: number;
}

/** Main has waited for a CPU for much of the time between two samples. */
export interface StarvationMessage {
  readonly type: 'starvation';
  readonly trees: readonly TreeDemand[];
}
