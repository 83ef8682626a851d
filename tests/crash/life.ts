import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { entry, type LogLine } from '../../harness/service.ts'

/** When a life is to be ended: so long, in milliseconds, after the first line that is meant. */
export interface Aim {
  readonly at: (line: LogLine) => boolean
  readonly delay: number
}

/** Milliseconds that a timer is good for. */
const shortest = 5

/** One life of the service: from the start of its process to the signal that ends it. */
export class Life {
  /** All that it has logged, also what came before it listened. */
  readonly lines: LogLine[] = []
  /** Its exit code; null: a signal ended it. */
  readonly ended: Promise<number | null>
  /** Its address when it listens; null when it ends before. */
  readonly listening: Promise<string | null>
  address: string | null = null
  stderr = ''
  readonly #child: ChildProcess
  #aim: Aim | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(configFile: string, stateDir: string) {
    const args = ['serve', '--config-file', configFile, '--state-dir', stateDir, '--port', '0']
    const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.ended = once(child, 'close').then(([code]) => code as number | null)
    const { promise, resolve } = Promise.withResolvers<string | null>()
    this.listening = promise
    child.once('close', () => {
      clearTimeout(this.#timer)
      resolve(null)
    })
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = parse(text)
      if (!line) return
      this.lines.push(line)
      if (line.address !== undefined) resolve((this.address = line.address))
      if (this.#aim?.at(line) === true) this.#shoot(this.#aim.delay)
    })
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Whether its end is set, or has come. */
  get doomed(): boolean {
    return !this.alive || this.#child.killed || this.#timer !== undefined
  }

  aim(aim: Aim | null): void {
    this.#aim = aim
  }

  killIn(milliseconds: number): void {
    this.#shoot(milliseconds)
  }

  async stop(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal)
    return await this.ended
  }

  /** Timers are no finer than a millisecond, and steps are shorter: a short delay is spent waiting. */
  #shoot(delay: number): void {
    this.#aim = null
    if (delay >= shortest) {
      this.#timer = setTimeout(() => this.#child.kill('SIGKILL'), delay)
      return
    }
    for (const end = performance.now() + delay; performance.now() < end; );
    this.#child.kill('SIGKILL')
  }
}

/** The last line of one that was killed may be half a line. */
function parse(text: string): LogLine | null {
  try {
    return JSON.parse(text) as LogLine
  } catch {
    return null
  }
}
