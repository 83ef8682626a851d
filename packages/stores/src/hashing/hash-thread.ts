import { Worker } from 'node:worker_threads'
import { HashJob } from './hash-job.ts'
import type { HashReply, HashRequest } from './messages.ts'

/**
 * One worker thread and the jobs that are open on it.
 *
 * It keeps the process alive only while a job is open: a write that waits for its checksum is finished, an idle worker
 * does not hold the process back.
 */
export class HashThread {
  readonly #worker: Worker
  readonly #jobs = new Map<number, HashJob>()
  readonly #onEnd: () => void
  #lastJob = 0
  #ended = false

  /** @param onEnd is called once, when the worker can take no more jobs. */
  constructor(script: URL, onEnd: () => void) {
    this.#onEnd = onEnd
    // Loaders and flags of the main program are not for this worker: it needs Node alone.
    this.#worker = new Worker(script, { execArgv: [], name: 'glimpse-hash' })
    this.#worker.unref()
    this.#worker.on('message', (reply: HashReply) => this.#receive(reply))
    this.#worker.on('error', (cause) => this.#end(new Error(`a checksum worker broke: ${text(cause)}`, { cause })))
    this.#worker.on('exit', (code) => this.#end(new Error(`a checksum worker ended early, with exit code ${code}`)))
  }

  /** How many jobs are open. */
  get load(): number {
    return this.#jobs.size
  }

  open(algorithm: string, memory: SharedArrayBuffer): HashJob {
    const id = ++this.#lastJob
    const job = new HashJob(id, (request) => this.#send(request))
    if (this.#jobs.size === 0) this.#worker.ref()
    this.#jobs.set(id, job)
    this.#send({ kind: 'open', job: id, algorithm, memory })
    return job
  }

  /** Ends the worker; jobs that are open fail. */
  async close(): Promise<void> {
    this.#end(new Error('the checksum workers were closed'))
    await this.#worker.terminate()
  }

  #send(request: HashRequest): void {
    if (this.#ended) return
    this.#worker.postMessage(request, [])
    if (request.kind === 'drop') this.#forget(request.job)
  }

  #receive(reply: HashReply): void {
    const job = this.#jobs.get(reply.job)
    if (reply.kind === 'digest') this.#forget(reply.job)
    job?.settle(reply)
  }

  #forget(job: number): void {
    if (this.#jobs.delete(job) && this.#jobs.size === 0) this.#worker.unref()
  }

  #end(error: Error): void {
    if (this.#ended) return
    this.#ended = true
    for (const job of this.#jobs.values()) job.fail(error)
    this.#jobs.clear()
    this.#onEnd()
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
