import { setImmediate as turn } from 'node:timers/promises'
import type { AnyTask, Outcome, TaskContext } from '../task.ts'
import { argumentsOf } from './arguments.ts'
import { complete, finalState } from './completer.ts'
import { AtomContext } from './context.ts'
import type { ProgressBook } from './progress.ts'
import type { Run } from './run.ts'
import { takeReady, turnRound } from './scheduler.ts'
import { recordFlow } from './transitions.ts'

/** A run and what only the loop needs of it. */
export interface Course {
  readonly run: Run
  readonly progress: ProgressBook
}

type Stage = 'scheduling' | 'waiting' | 'analyzing' | 'done'
type Step = (course: Course) => Stage | Promise<Stage>

/**
 * The loop, as a table. What ended and what starts next is one batch: it is stored, then announced, then started.
 *
 * Source: TaskFlow's engine states (reference section 6), without the states that only its threads need.
 */
const loop: { readonly [S in Exclude<Stage, 'done'>]: Step } = { scheduling, waiting, analyzing }

/** Tasks that never wait would keep timers and sockets waiting; so often the loop lets them in. */
const stagesBetweenTurns = 3_000

/** Runs to the end. Rejects only when the run cannot be recorded; then nothing of it is under way any more. */
export async function drive(course: Course): Promise<void> {
  let stages = 0
  for (let stage: Stage = 'scheduling'; stage !== 'done'; ) {
    const next = loop[stage](course)
    stage = typeof next === 'string' ? next : await next
    if (++stages % stagesBetweenTurns === 0) await turn()
  }
}

function scheduling(course: Course): Stage | Promise<Stage> {
  const { run } = course
  if (run.cancelled) turnRound(run)
  const taken = takeReady(run)
  const over = taken.length + run.running === 0
  if (over) recordFlow(run, finalState(run))
  const stored = run.recorder.flush()
  if (stored) return stored.then(() => start(course, taken, over))
  return start(course, taken, over)
}

function start(course: Course, taken: readonly number[], over: boolean): Stage {
  for (const node of taken) launch(course, node)
  return over ? 'done' : 'waiting'
}

function waiting({ run }: Course): Stage | Promise<Stage> {
  if (run.completed.length > 0 || (run.cancelled && !run.reverting)) return 'analyzing'
  return new Promise((resolve) => {
    run.wake = () => resolve('analyzing')
  })
}

function analyzing({ run }: Course): Stage {
  const { completed } = run
  run.completed = []
  for (const completion of completed) complete(run, completion)
  return 'scheduling'
}

/** Starts an execute or revert; what it gives, now or later, is put where `analyzing` finds it. */
function launch({ run, progress }: Course, node: number): void {
  run.running++
  const end = (ok: boolean, value: unknown): void => {
    run.completed.push({ node, ok, value })
    run.wake()
  }
  try {
    const given = invoke(run, node, new AtomContext(run, node, progress))
    if (!isThenable(given)) return end(true, given)
    // A promise of ours: it settles once, whatever the thenable that a task gives does.
    Promise.resolve(given).then(
      (value) => end(true, value),
      (error: unknown) => end(false, error),
    )
  } catch (error) {
    end(false, error)
  }
}

function invoke(run: Run, node: number, context: TaskContext): unknown {
  const task: AnyTask = run.plan.atoms[node]!.task
  if (run.states[node] === 'RUNNING') return task.execute(argumentsOf(run, node) as never, context)
  const failure = run.failures.get(node)
  if (!task.revert || (failure && lacksArguments(run, node))) return undefined
  const outcome: Outcome<unknown> = failure ? { ok: false, failure } : { ok: true, result: run.results[node] }
  return task.revert(argumentsOf(run, node) as never, outcome, context)
}

/** An execute whose arguments could not be found never began: there is nothing to undo. */
function lacksArguments(run: Run, node: number): boolean {
  try {
    argumentsOf(run, node)
    return false
  } catch {
    return true
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
