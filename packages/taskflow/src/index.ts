export { compile } from './compiler/compiler.ts'
export type { Adjacency, Binding, Plan, Ranking } from './compiler/plan.ts'
export { Engine, type EngineOptions, run } from './engine/engine.ts'
export { type ErrorCode, errorCodes, TaskFlowError, WrappedFailure } from './errors.ts'
export { Failure, type StoredFailure } from './failure.ts'
export { type AddOptions, type Flow, flow, type Handle, type Inputs, type Scope, type Wiring } from './flow.ts'
export { findLoss, type JsonValue } from './json.ts'
export type { AtomEvent, FlowEvent, Listener, ProgressEvent } from './listeners/listener.ts'
export { valueAt } from './paths.ts'
export {
  type AtomNode,
  type AtomOptions,
  atom,
  type FlowNode,
  linear,
  type Need,
  type Path,
  type Pattern,
  type PlainNode,
  unordered,
} from './patterns.ts'
export { type AtomState, atomTransitions, type FlowState, flowTransitions } from './states.ts'
export type { Awaitable, Backend, StoredFlow } from './storage/backend.ts'
export { MemoryBackend } from './storage/memory.ts'
export type { AtomChange, AtomRecord, Batch, FlowChange, FlowRecord, Progress } from './storage/records.ts'
export { type AnyTask, type Logger, type Outcome, type Task, type TaskContext, type TaskSpec, task } from './task.ts'
