import { exponential, flow, task } from '@glimpse/taskflow'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import type { TaskRepo } from '../../src/domain/ports.ts'
import { Reporter } from '../../src/executors/reporter.ts'
import { causeOf } from '../../src/executors/wording.ts'
import { downloadRetry } from '../../src/flows/download-retry.ts'
import { SourceDown } from '../../src/flows/steps/source-down.ts'
import { runners, Waits } from './bench.ts'

/** Runs a download that fails so often before it succeeds, and a step after it; time passes whenever it is asked for. */
async function hear(runner: string, failing: number) {
  const said: string[] = []
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line)) })
  let now = 0
  const clock = { now: () => new Date((now += 1_000)) }
  const tasks = { say: async (_: string, message: string) => void said.push(message) } as unknown as TaskRepo
  const reporter = new Reporter('task', { tasks, clock, log })
  const download = task({
    name: 'download',
    execute: async (_: object, context) => {
      context.progress(0.5, { bytes: 512, total: 1_024, bytesPerSecond: 2_048 })
      // Progress is told when the turn of the event loop ends.
      await new Promise(setImmediate)
      await new Promise(setImmediate)
      if (context.attempt <= failing) throw new SourceDown(`broke off at ${context.attempt}`)
    },
    revert: () => {},
  })
  const steps = flow('f', (f) => {
    const retry = downloadRetry(3, exponential({ first: 2_000 }))
    f.linear('fetch', (g) => g.add(download, {}), retry)
    f.add(task({ name: 'activate', execute: () => {} }), {})
  })
  const waits = new Waits()
  const { signal } = new AbortController()
  const end = await runners[runner]!(waits)(steps, {}, { id: 'run', listener: reporter, logger: log, signal })
  await reporter.settle()
  const cause = causeOf(end, (step) => reporter.attemptsAt(step))
  return { said, logged, cause, waits: waits.begun }
}

describe.each(Object.keys(runners))('the user of a task run by %s', (runner) => {
  it('reads which attempt it is, and what for', async () => {
    const { said, cause, waits } = await hear(runner, 1)
    expect(said).toEqual([
      'Step download',
      'Step download: 50 % of 1.0 KiB, 2.0 KiB/s',
      'Undoing step download',
      'Step download failed: broke off at 1; attempt 2 of 3 follows in 2.0 s',
      'Step download, attempt 2 of 3',
      'Step download, attempt 2 of 3: 50 % of 1.0 KiB, 2.0 KiB/s',
      'Step activate',
    ])
    expect({ cause, waits }).toEqual({ cause: null, waits: [2_000] })
  })

  it('reads the cause of the last failure, and after how many attempts', async () => {
    const { said, cause, waits } = await hear(runner, 3)
    expect(cause).toBe('step download failed after 3 attempts: broke off at 3')
    expect(said.filter((message) => message.includes('follows in'))).toHaveLength(2)
    expect(waits).toEqual([2_000, 4_000])
  })

  it('is told of steps, and the operator of retries too, as warnings', async () => {
    const { logged, said } = await hear(runner, 1)
    expect(said.join()).not.toContain('fetch_retry')
    expect(logged.filter(({ step }) => step === 'fetch_retry')).toEqual([])
    expect(logged.filter(({ retry }) => retry !== undefined)).toMatchObject([
      { level: 40, retry: 'fetch_retry', state: 'RETRYING', attempt: 1, cause: 'broke off at 1' },
    ])
  })
})
