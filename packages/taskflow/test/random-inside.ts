/** What an engine keeps to itself, and what must be true of it whatever happens. */
import { Session } from 'node:inspector'
import type { Run } from '../src/engine/run.ts'
import type { Adjacency, Engine } from '../src/index.ts'

interface Held {
  readonly result: { readonly objectId?: string }
}

interface Properties {
  readonly privateProperties?: readonly { readonly name: string; readonly value?: { readonly objectId?: string } }[]
}

/** Reads the run of engines, which no API gives, as a debugger does. */
export class Inside {
  readonly #session = new Session()
  readonly #runs = new WeakMap<object, Run>()

  constructor() {
    this.#session.connect()
  }

  close(): void {
    this.#session.disconnect()
  }

  /** @throws when the engine has no run; one that is prepared has. */
  runOf(engine: Engine<never, unknown>): Run {
    const known = this.#runs.get(engine)
    if (known) return known
    const found: { run?: Run } = {}
    Object.assign(globalThis, { taskflowEngine: engine, taskflowFound: found })
    const held = this.#post('Runtime.evaluate', { expression: 'taskflowEngine' }) as Held
    const { privateProperties = [] } = this.#post('Runtime.getProperties', { ...held.result }) as Properties
    const objectId = privateProperties.find(({ name }) => name === '#run')?.value?.objectId
    const functionDeclaration = 'function () { taskflowFound.run = this }'
    if (objectId !== undefined) this.#post('Runtime.callFunctionOn', { objectId, functionDeclaration })
    Object.assign(globalThis, { taskflowEngine: null, taskflowFound: null })
    if (!found.run) throw new Error('the engine has no run')
    this.#runs.set(engine, found.run)
    return found.run
  }

  #post(method: string, params: object): unknown {
    const answers: { readonly error: Error | null; readonly result: unknown }[] = []
    this.#session.post(method, params, (error: Error | null, result: unknown) => answers.push({ error, result }))
    const [answer] = answers
    if (!answer || answer.error) throw new Error(`the inspector does not answer ${method}`, { cause: answer?.error })
    return answer.result
  }
}

/** The counts that say what may happen next are what a scan would find. */
export function wrongCounts(run: Run): readonly string[] {
  const { plan, unmet, unsettled, intentions, passed, due } = run
  const wrong: string[] = []
  for (let node = 0; node < plan.size; node++) {
    const name = plan.atoms[node]?.name ?? `join ${node}`
    const waits = neighbours(plan.predecessors, node).filter((before) => passed[before] === 0).length
    if (unmet[node] !== waits) wrong.push(`${name} waits for ${unmet[node]}, not ${waits}`)
    if (intentions[node] === 'EXECUTE') continue
    const begun = neighbours(plan.successors, node).filter((after) => isUnsettled(run, after)).length
    if (unsettled[node] !== begun) wrong.push(`${name} holds back ${unsettled[node]}, not ${begun}`)
  }
  const isDue = due.reduce((sum, is) => sum + is, 0)
  if (isDue !== run.wave.length) wrong.push(`${isDue} are due, but ${run.wave.length} wait for room`)
  return wrong
}

/** What a run that is over has no use for and still keeps. */
export function leftBehind(run: Run): readonly string[] {
  const { ready, wave, due, backoffs, completed, running, interrupted, executor } = run
  const counts = { ready: ready.length, wave: wave.length, backoffs: backoffs.size, interrupted: interrupted.size }
  const left = { ...counts, completed: completed.length, running }
  const some = Object.entries(left).flatMap(([what, count]) => (count === 0 ? [] : [`${what}: ${count}`]))
  return [...some, ...(due.some((is) => is === 1) ? ['due'] : []), ...(executor === null ? [] : ['executor'])]
}

function isUnsettled({ states, passed, due, plan, onRevertFailure }: Run, node: number): boolean {
  if (due[node] === 1) return true
  if (plan.atoms[node] === null || states[node] === 'IGNORE') return passed[node] === 1
  if (states[node] === 'REVERT_FAILURE') return onRevertFailure === 'stop'
  return states[node] !== 'PENDING' && states[node] !== 'REVERTED'
}

function neighbours({ offsets, targets }: Adjacency, node: number): readonly number[] {
  return [...targets.subarray(offsets[node], offsets[node + 1])]
}
