import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('../packages/glimpse/bin/glimpse.js', import.meta.url))

/** The built service in a process of its own, as an operator runs it. */
export class ServiceProcess {
  readonly address: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, address: string) {
    this.#child = child
    this.address = address
  }

  static async start(stateDir: string, config = ''): Promise<ServiceProcess> {
    await mkdir(stateDir, { recursive: true })
    const file = path.join(stateDir, 'glance-api.conf')
    await writeFile(file, config)
    const args = [entry, 'serve', '--config-file', file, '--state-dir', stateDir, '--port', '0']
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    const lines = createInterface({ input: child.stdout })
    for await (const line of lines) {
      const { address } = JSON.parse(line) as { address?: string }
      if (address !== undefined) {
        child.stdout.resume()
        return new ServiceProcess(child, address)
      }
    }
    throw new Error('the service did not start')
  }

  /** The most memory that the process ever held, in MiB. */
  async peakMemory(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}
