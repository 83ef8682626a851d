import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A line of the service's log. */
export interface LogLine {
  readonly time: number
  readonly level: number
  readonly msg: string
  readonly address?: string
  readonly task?: string
  readonly step?: string
  readonly state?: string
  readonly ms?: number
  readonly cause?: string
  readonly fraction?: number
}

export interface ServiceOptions {
  /** Where everything goes that the service keeps; made if missing. */
  readonly stateDir: string
  /** Text of its glance-api.conf. */
  readonly config?: string
  /** What the service runs under: `prlimit` with its arguments, say. */
  readonly under?: readonly string[]
}

/** The built command line. */
export const entry: string = fileURLToPath(new URL('../packages/glimpse/bin/glimpse.js', import.meta.url))

/** The built service in a process of its own, on a free port, as an operator runs it. */
export class Service {
  readonly address: string
  /** All that it has logged. */
  readonly log: LogLine[]
  readonly #child: ChildProcess
  readonly #said: readonly Buffer[]
  readonly #listeners: Set<(line: LogLine) => void>

  private constructor(
    { child, said }: { readonly child: ChildProcess; readonly said: readonly Buffer[] },
    address: string,
    log: LogLine[],
    listeners: Set<(line: LogLine) => void>,
  ) {
    this.#child = child
    this.#said = said
    this.address = address
    this.log = log
    this.#listeners = listeners
  }

  /** Resolves when it listens. @throws Error with what it said on stderr when it does not start. */
  static async start({ stateDir, config = '', under = [] }: ServiceOptions): Promise<Service> {
    await mkdir(stateDir, { recursive: true })
    const file = path.join(stateDir, 'glance-api.conf')
    await writeFile(file, config)
    const args = [process.execPath, entry, 'serve', '--config-file', file, '--state-dir', stateDir, '--port', '0']
    const [program = '', ...rest] = [...under, ...args]
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
    const said: Buffer[] = []
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
    const log: LogLine[] = []
    const listeners = new Set<(line: LogLine) => void>()
    return await new Promise((resolve, reject) => {
      child.once('close', () => reject(new Error(`the service did not start: ${Buffer.concat(said).toString()}`)))
      createInterface({ input: child.stdout }).on('line', (text) => {
        const line = JSON.parse(text) as LogLine
        log.push(line)
        if (line.address !== undefined) resolve(new Service({ child, said }, line.address, log, listeners))
        for (const listener of listeners) listener(line)
      })
    })
  }

  /** Whether the process runs: not ended, and not killed. */
  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** All that it has said on stderr; what Node warns of is here, and not in the log. */
  get stderr(): string {
    return Buffer.concat(this.#said).toString()
  }

  /** Paths of the files in a folder, or below it, that the process has open; one that is deleted meanwhile, too. */
  async openFiles(folder: string): Promise<string[]> {
    const handles = `/proc/${this.#child.pid}/fd`
    const links = (await readdir(handles)).map((name) => readlink(path.join(handles, name)).catch(ignoreGone))
    return (await Promise.all(links)).filter((target) => target.startsWith(`${folder}${path.sep}`))
  }

  /** Hears every line from now on. */
  onLine(listener: (line: LogLine) => void): void {
    this.#listeners.add(listener)
  }

  /** Resolves with the first line, past or future, that is meant. */
  async line(isMeant: (line: LogLine) => boolean): Promise<LogLine> {
    const known = this.log.find(isMeant)
    if (known) return known
    return await new Promise((resolve) => {
      this.onLine((line) => isMeant(line) && resolve(line))
    })
  }

  /** The most memory that the process ever held, in MiB. */
  async peakMemory(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
  }

  /** Ends the process and resolves with its exit code (null: a signal ended it). */
  async stop(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    if (!this.running) return this.#child.exitCode
    const ended = once(this.#child, 'exit')
    this.#child.kill(signal)
    const [code] = (await ended) as [number | null]
    return code
  }
}

/** A handle that was closed between the listing and the look at it is not open. */
function ignoreGone(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
  throw error
}
