import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The least that a server must do for an upload: bare node:http, body to a file, made durable. In its own process. */
export class BareServer {
  readonly address: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, address: string) {
    this.#child = child
    this.address = address
  }

  static async start(file: string): Promise<BareServer> {
    const script = fileURLToPath(new URL('bare-server-main.ts', import.meta.url))
    const child = spawn(process.execPath, [script, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [address] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    return new BareServer(child, address)
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}
