import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const program = fileURLToPath(new URL('./committing.ts', import.meta.url))

/** A process of `committing.ts`, and what it says. */
export interface Committing {
  readonly process: ChildProcess
  readonly said: readonly string[]
  /** Until it has said so many lines. */
  heard(lines: number): Promise<void>
  /** Everything that it ever said, once it is gone. */
  gone(): Promise<readonly string[]>
}

/** Stopped by its id when the test ends, if it has not ended before. */
export function startCommitting(task: 'normal' | 'full' | 'lock', file: string, id = 'r'): Committing {
  const flags = ['--conditions=@glimpse/source', '--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, program, task, file, id], { stdio: ['pipe', 'pipe', 'inherit'] })
  const said: string[] = []
  const lines = createInterface({ input: child.stdout })
  const hearers = new Set<() => void>()
  lines.on('line', (line) => {
    said.push(line)
    for (const hear of hearers) hear()
  })
  const closed = once(lines, 'close')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await closed
  })
  const heard = async (count: number): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const hear = (): void => (said.length >= count ? resolve() : undefined)
    hearers.add(hear)
    hear()
    void closed.then(() => reject(new Error(`it ended after ${said.length} lines`)))
    await promise
    hearers.delete(hear)
  }
  return { process: child, said, heard, gone: async () => closed.then(() => said) }
}
