export { type Backoff, exponential, fixed, type Growth } from './backoff.ts'
export { compile } from './compiler/compiler.ts'
export type { Adjacency, Plan } from './compiler/plan.ts'
export { drawDot } from './drawing/dot.ts'
export { type Drawable, type States, statesOf } from './drawing/drawable.ts'
export { type FailureFormat, formatFailure } from './drawing/failure-format.ts'
export { drawMermaid } from './drawing/mermaid.ts'
export { drawTree } from './drawing/tree.ts'
export { type Clock, systemClock } from './engine/clock.ts'
export { Engine } from './engine/engine.ts'
export type { Executor, TaskCall } from './engine/executors/executor.ts'
export { ThreadPool, type ThreadPoolOptions } from './engine/executors/thread-pool.ts'
export type { EngineMode, EngineOptions } from './engine/options.ts'
export type { PlanChange, PlanChangeRule } from './engine/plan-changes.ts'
export { run } from './engine/run-flow.ts'
export type { Statistics } from './engine/statistics.ts'
export { type ErrorCode, errorCodes, type MissingNeed, TaskFlowError, WrappedFailure } from './errors.ts'
export { Failure, type FailureClass, type StoredFailure } from './failure.ts'
export {
  type AddOptions,
  type Controlled,
  controlled,
  type Flow,
  type FlowSettings,
  flow,
  type GraphScope,
  type Handle,
  type Inputs,
  type Scope,
  type Wiring,
  withDefaults,
} from './flow.ts'
export { History, type HistoryEntry } from './history.ts'
export type { AtomView, Inspection } from './inspection.ts'
export { Conductor, type ConductorOptions, type StopOptions } from './jobs/conductor.ts'
export type { JobEngineOptions } from './jobs/dispatch.ts'
export {
  type FlowFactories,
  type FlowFactory,
  flowFactories,
  type PostingFactories,
  type Prepared,
  withInputs,
} from './jobs/factories.ts'
export {
  type Claim,
  type ClaimedJob,
  checkPosting,
  type Job,
  type JobPlace,
  type JobPosting,
  type JobPriority,
  type JobState,
  jobPriorities,
} from './jobs/job.ts'
export type { JobChange, JobEvent, JobListener } from './jobs/job-listener.ts'
export {
  type Claimant,
  checkClaim,
  checkClaimant,
  type Jobboard,
  type JobQuery,
  type WaitOptions,
  type Wanted,
} from './jobs/jobboard.ts'
export { MemoryJobboard } from './jobs/memory-jobboard.ts'
export { findLoss, type JsonValue } from './json.ts'
export { type Captured, type CapturedKind, CapturingListener } from './listeners/capturing.ts'
export type { AtomEvent, FlowEvent, Listener, ProgressEvent, Transition } from './listeners/listener.ts'
export { type LoggingOptions, type LogLevel, loggingListener } from './listeners/logging.ts'
export { type PrintingOptions, printingListener } from './listeners/printing.ts'
export { ProgressListener, type ProgressOptions } from './listeners/progress.ts'
export type { Spent } from './listeners/stopwatch.ts'
export { type AtomTimes, type FlowTimes, TimingListener, type TimingOptions } from './listeners/timing.ts'
export type {
  AtomNode,
  Decider,
  Depth,
  Edge,
  FlowNode,
  Need,
  Path,
  Pattern,
  PlainNode,
  Provided,
  RetryNode,
} from './nodes.ts'
export { valueAt } from './paths.ts'
export {
  type AtomOptions,
  atom,
  type ControllerOptions,
  controller,
  type FlowOptions,
  type GraphOptions,
  graph,
  type Link,
  linear,
  unordered,
  type WiringOptions,
} from './patterns.ts'
export {
  type AnyRetry,
  alwaysRevert,
  alwaysRevertAll,
  type Decision,
  forEach,
  parameterizedForEach,
  type Retry,
  type RetryContext,
  type RetryOptions,
  type RetrySpec,
  retry,
  times,
} from './retry.ts'
export { type AtomState, atomTransitions, type FlowState, flowTransitions, retryTransitions } from './states.ts'
export type { Awaitable, Backend, FlowQuery, StoredFlow } from './storage/backend.ts'
export { MemoryBackend } from './storage/memory.ts'
export type {
  AtomChange,
  AtomMeta,
  AtomRecord,
  Batch,
  FlowChange,
  FlowRecord,
  LogBook,
  PlannedAtom,
  Progress,
  StoredAttempt,
} from './storage/records.ts'
export { givenBy, wantedBy } from './symbols.ts'
export {
  type AnyTask,
  type Hooks,
  type Logger,
  mapTask,
  type Outcome,
  type RevertContext,
  reduceTask,
  type Task,
  type TaskContext,
  type TaskSpec,
  task,
} from './task.ts'
