import type { LogLine } from '../harness/service.ts'

interface StepTime {
  readonly step: string
  readonly from: number
  to: number
  readonly undo: boolean
}

const print = (text: string): boolean => process.stdout.write(`${text}\n`)
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

/** Tells what the service does, as it does it, and remembers when. */
export class Narrator {
  readonly #times = new Map<string, StepTime[]>()
  readonly #told = new Map<string, number>()

  /** One line of the service's log. */
  hear({ time, task, step, state, ms, cause, fraction, msg }: LogLine): void {
    if (task === undefined || step === undefined) return
    if (fraction !== undefined) return this.#progress(task, step, fraction, msg)
    const times = this.#times.get(task) ?? []
    this.#times.set(task, times)
    if (state === 'RUNNING' || state === 'REVERTING') {
      times.push({ step, from: time, to: time, undo: state === 'REVERTING' })
      return
    }
    const last = times.findLast((known) => known.step === step)
    if (last) last.to = time
    const mark = { SUCCESS: 'done', FAILURE: 'FAILED', REVERTED: 'undone', REVERT_FAILURE: 'NOT UNDONE' }[state ?? '']
    print(`    ${step.padEnd(20)} ${mark} in ${seconds(ms ?? 0)}${cause ? `: ${cause}` : ''}`)
  }

  /** When the steps of a task ran, as a picture. */
  timeline(task: string): void {
    const times = this.#times.get(task) ?? []
    const start = Math.min(...times.map(({ from }) => from))
    const scale = Math.max(1, ...times.map(({ to }) => to - start)) / 50
    for (const { step, from, to, undo } of times) {
      const before = ' '.repeat(Math.round((from - start) / scale))
      const bar = (undo ? '<' : '=').repeat(Math.max(1, Math.round((to - from) / scale)))
      print(`    ${step.padEnd(20)} |${(before + bar).padEnd(51)}| ${to - from} ms${undo ? ' (undone)' : ''}`)
    }
  }

  /** Every tenth is enough for a reader. */
  #progress(task: string, step: string, fraction: number, text: string): void {
    const key = `${task} ${step}`
    if (Math.floor(fraction * 10) <= (this.#told.get(key) ?? 0)) return
    this.#told.set(key, Math.floor(fraction * 10))
    print(`      ${text}`)
  }
}
