/**
 * What the state writer measures of the servers' process trees, and who it asks about.
 */

/** One session of a process tree, named by one of its living processes; pids alone can be reused. */
export interface TreeSession {
  readonly id: number;
  readonly pid: number;
  /** Of that process, in the form of the system. */
  readonly startTime: string;
}

/** What a server's process tree uses: its group, and what its members have started in other groups. */
export interface TreeUsage {
  readonly pgid: number;
  /** MiB, one decimal; pages shared between its processes count once for each. */
  readonly rssMb: number;
  /** CPU time so far in ms; never falls while the group lives. */
  readonly cpuMs: number;
  /** `cpuMs`, and what its threads have waited for a CPU while it was busy. */
  readonly wantedMs: number;
  /** Per cent of one core since the sample before, one decimal; null in the first one. */
  readonly cpuPercent: number | null;
  /** That of the group itself first. */
  readonly sessions: readonly TreeSession[];
}

/** A look at all trees, also from a writer that does not own the file. */
export interface UsageMessage {
  readonly type: 'usage';
  /** Ms of the clock that all threads share (`process.hrtime`). */
  readonly at: number;
  readonly trees: readonly TreeUsage[];
}

/**
 * What the first threads of the processes of a tree wanted of the CPU, and what they got, in cores, over a
 * tenth of a second to a second. Other threads are not looked at.
 */
export interface TreeDemand {
  readonly pgid: number;
  readonly ranCores: number;
  /** `ranCores`, and for how many more they have waited. */
  readonly wantedCores: number;
}

/** Main has waited for a CPU for much of the time between two looks. */
export interface StarvationMessage {
  readonly type: 'starvation';
  readonly trees: readonly TreeDemand[];
}
