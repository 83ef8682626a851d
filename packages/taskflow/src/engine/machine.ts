import { setImmediate as turn } from 'node:timers/promises'
import { complete, finalState } from './completer.ts'
import { launch } from './launch.ts'
import { markAll } from './marking.ts'
import type { ProgressBook } from './progress.ts'
import type { Run } from './run.ts'
import { takeReady } from './scheduler.ts'
import { countCompleted } from './statistics.ts'
import type { Stage as LoopStage } from './tally.ts'
import { recordFlow } from './transitions.ts'

/** Where the loop is. */
type Stage = LoopStage | 'done'

/** A run and what only the loop needs of it. */
export interface Course {
  readonly run: Run
  readonly progress: ProgressBook
  stage: Stage
  /** Atoms that are recorded as begun, and are to be started next. */
  taken: readonly number[]
}

type Step = (course: Course) => Stage | Promise<Stage>

/**
 * The loop, as a table. What ended and what starts next is one batch: it is stored, then announced, then started.
 *
 * Source: TaskFlow's engine states (reference section 6), without the states that only its threads need.
 */
const loop: { readonly [S in LoopStage]: Step } = { scheduling, starting, waiting, analyzing }

/** Tasks that never wait would keep timers and sockets waiting; so often the loop lets them in. */
const stagesBetweenTurns = 4_000

/** Runs to the end. Rejects only when the run cannot be recorded. */
export async function drive(course: Course): Promise<void> {
  const { tally } = course.run
  for (let stages = 1; course.stage !== 'done'; stages++) {
    const { stage } = course
    const next = loop[stage](course)
    course.stage = typeof next === 'string' ? next : await next
    tally.lap(stage)
    if (stages % stagesBetweenTurns === 0) await turn()
  }
}

/** The same, but rests after each batch that was announced, before anything of it is started. */
export async function* stepThrough(course: Course): AsyncGenerator<void, void> {
  const { tally } = course.run
  while (course.stage !== 'done') {
    const { stage } = course
    course.stage = await loop[stage](course)
    tally.lap(stage)
    if (stage === 'scheduling') yield
    tally.skip()
  }
}

function scheduling(course: Course): Stage | Promise<Stage> {
  const { run } = course
  if (run.abandoned) throw run.abandoned
  heedCancel(run)
  noteSuspension(run)
  course.taken = run.suspending ? [] : takeReady(run)
  const waits = run.backoffs.size > 0 && !run.halted && !run.suspending
  const over = course.taken.length + run.running === 0 && !waits
  if (over) noteSuspension(run)
  if (over) recordFlow(run, finalState(run))
  const next = over ? 'done' : 'starting'
  const stored = run.recorder.flush()
  return stored ? stored.then(() => next) : next
}

/**
 * From here on nothing executes, and no retry is asked. What stopped because nothing was to be resolved goes back now;
 * what stopped because it could not be undone stays.
 */
function heedCancel(run: Run): void {
  if (!run.cancelled || run.revertingAll) return
  if (run.revertFailures.size === 0) run.halted = false
  markAll(run)
}

/** A suspension may come at any moment, also from what a decider does. */
function noteSuspension(run: Run): void {
  if (run.suspending && run.flowState === 'RUNNING') recordFlow(run, 'SUSPENDING')
}

function starting({ run, progress, taken }: Course): Stage {
  for (const node of taken) launch(run, progress, node)
  return 'waiting'
}

function waiting({ run }: Course): Stage | Promise<Stage> {
  const asked = (run.cancelled && !run.revertingAll) || (run.suspending && run.flowState === 'RUNNING')
  if (run.completed.length > 0 || run.backoffEnded || asked || run.abandoned) return 'analyzing'
  return new Promise((resolve) => {
    run.wake = () => resolve('analyzing')
  })
}

function analyzing({ run }: Course): Stage {
  const { completed } = run
  run.completed = []
  run.backoffEnded = false
  for (const completion of completed) {
    heedCancel(run)
    complete(run, completion)
  }
  countCompleted(run, completed)
  return 'scheduling'
}
