import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A line of the service's log. */
export interface LogLine {
  readonly time: number
  readonly msg: string
  readonly address?: string
  readonly task?: string
  readonly step?: string
  readonly state?: string
  readonly ms?: number
  readonly cause?: string
  readonly fraction?: number
}

const entry = fileURLToPath(new URL('../packages/glimpse/bin/glimpse.js', import.meta.url))

/** The real service, in a process of its own. */
export class Service {
  readonly address: string
  readonly #child: ChildProcess
  readonly #listeners = new Set<(line: LogLine) => void>()

  private constructor(child: ChildProcess, address: string) {
    this.#child = child
    this.address = address
  }

  /** Resolves when the service listens. */
  static async start(args: readonly string[]): Promise<Service> {
    const child = spawn(process.execPath, [entry, 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const complaints: Buffer[] = []
    child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk))
    const lines = createInterface({ input: child.stdout })
    return await new Promise((resolve, reject) => {
      let service: Service | null = null
      child.once('exit', () => reject(new Error(`the service did not start: ${Buffer.concat(complaints).toString()}`)))
      lines.on('line', (text) => {
        const line = JSON.parse(text) as LogLine
        if (line.address !== undefined) resolve((service = new Service(child, line.address)))
        service?.tell(line)
      })
    })
  }

  onLine(listener: (line: LogLine) => void): void {
    this.#listeners.add(listener)
  }

  /** Asks the service to stop, and resolves when it has. */
  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }

  private tell(line: LogLine): void {
    for (const listener of this.#listeners) listener(line)
  }
}
