import type { Failure } from '../failure.ts'
import type { AtomState, FlowState } from '../states.ts'
import type { AtomEvent, FlowEvent, ProgressEvent } from './listener.ts'
import { OpenFailures } from './open-failures.ts'
import { goesOn, isResting, RunBook } from './run-book.ts'

/** How many stopped runs are remembered, so that the end of one that goes on is told with its cause. */
const stoppedRuns = 100

/** How many failures, and how many causes of each, a sentence can bear. */
const toldFailures = 3

/** Tells in sentences what happens in runs. It must hear of everything to know why a flow failed. */
export class Narrator {
  readonly #runs = new RunBook<OpenFailures>(stoppedRuns, () => new OpenFailures())

  flow(event: FlowEvent): string {
    const failures = this.#turn(event)
    const why = event.state === 'REVERTED' || event.state === 'FAILURE' ? whyOf(failures) : ''
    return `flow '${event.name}' ${flowVerbs[event.state](event)}${why}`
  }

  atom(event: AtomEvent): string {
    this.#runs.at(event.flow).atom(event)
    const verbs = event.kind === 'retry' ? retryVerbs : taskVerbs
    const why = event.failure ? `: ${sayFailure(event.failure)}` : ''
    return `${event.kind} '${event.atom}' ${verbs[event.state](event)}${why}`
  }

  progress({ atom, fraction }: ProgressEvent): string {
    return `task '${atom}' is at ${Math.floor(fraction * 100)} percent`
  }

  #turn({ flow, state }: FlowEvent): OpenFailures {
    const failures = state === 'RUNNING' ? this.#runs.wake(flow) : this.#runs.at(flow)
    if (goesOn(state)) this.#runs.rest(flow)
    else if (isResting(state)) this.#runs.forget(flow)
    return failures
  }
}

const flowVerbs: { readonly [S in FlowState]: (event: FlowEvent) => string } = {
  PENDING: () => 'is to start over',
  RUNNING: ({ oldState }) => (goesOn(oldState) ? 'goes on' : 'began'),
  SUCCESS: () => 'succeeded',
  FAILURE: () => 'failed',
  REVERTED: () => 'was reverted',
  SUSPENDING: () => 'is being suspended',
  SUSPENDED: () => 'is suspended',
  RESUMING: () => 'is being resumed',
}

type AtomVerbs = { readonly [S in AtomState]: (event: AtomEvent) => string }

const taskVerbs: AtomVerbs = {
  PENDING: () => 'is to run again',
  IGNORE: () => 'is ignored, because a decider said no',
  RUNNING: ({ attempt }) => (attempt > 1 ? `began attempt ${attempt}` : 'began'),
  SUCCESS: ({ attempt }) => (attempt > 1 ? `succeeded on attempt ${attempt}` : 'succeeded'),
  FAILURE: ({ attempt }) => (attempt > 1 ? `failed on attempt ${attempt}` : 'failed'),
  RETRYING: () => 'is to be retried',
  REVERTING: () => 'is being reverted',
  REVERTED: () => 'was reverted',
  REVERT_FAILURE: () => 'could not be reverted',
}

const retryVerbs: AtomVerbs = {
  ...taskVerbs,
  RUNNING: ({ attempt }) => `prepares attempt ${attempt}`,
  SUCCESS: ({ attempt }) => `begins attempt ${attempt}`,
  FAILURE: ({ attempt }) => `could not prepare attempt ${attempt}`,
  RETRYING: ({ attempt }) => `gives up attempt ${attempt} and will try again`,
}

function whyOf({ why: { action, failures } }: OpenFailures): string {
  if (failures.length === 0) return ''
  const verb = action === 'execute' ? 'failed' : 'could not be reverted'
  const told = failures.slice(0, toldFailures).map((failure) => `'${failure.atom}' ${verb}: ${sayFailure(failure)}`)
  const more = failures.length - told.length
  return `, because ${told.join('; and ')}${more > 0 ? `; and ${more} more` : ''}`
}

/** The message with those of its causes, in one line. */
function sayFailure({ message, names, causes }: Failure): string {
  const whole = { name: names[0] ?? 'Error', message }
  return [whole, ...causes]
    .slice(0, toldFailures)
    .map((error) => (error.message.trim() || error.name).replaceAll(/\s*[\r\n]+\s*/g, ' '))
    .join(', because ')
}
