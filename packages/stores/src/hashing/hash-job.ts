import type { HashReply, HashRequest } from './messages.ts'

interface Waiting {
  readonly resolve: (reply: HashReply) => void
  readonly reject: (error: Error) => void
}

/** One checksum of one write, computed on a hash worker out of the write's ring. */
export class HashJob {
  readonly #send: (request: HashRequest) => void
  readonly #job: number
  readonly #waiting: Waiting[] = []
  #failure: Error | undefined

  constructor(job: number, send: (request: HashRequest) => void) {
    this.#job = job
    this.#send = send
  }

  /** Adds `length` bytes from `offset` of the ring's memory, which stay as they are until the promise settles. */
  async update(offset: number, length: number): Promise<void> {
    await this.#ask({ kind: 'update', job: this.#job, offset, length })
  }

  /** The checksum of all that was added, as lower-case hexadecimal digits. The job is over. */
  async digest(): Promise<string> {
    const reply = await this.#ask({ kind: 'digest', job: this.#job })
    if (reply.kind !== 'digest') throw new Error(`hash worker answered '${reply.kind}' where 'digest' is allowed`)
    return reply.hex
  }

  /** Gives the checksum up. What is still asked is not answered. */
  drop(): void {
    if (this.#failure === undefined) this.#send({ kind: 'drop', job: this.#job })
  }

  /** For the worker's owner: the next answer came. */
  settle(reply: HashReply): void {
    this.#waiting.shift()?.resolve(reply)
  }

  /** For the worker's owner: no answer will come any more. */
  fail(error: Error): void {
    this.#failure = error
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
  }

  #ask(request: HashRequest): Promise<HashReply> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const { promise, resolve, reject } = Promise.withResolvers<HashReply>()
    this.#waiting.push({ resolve, reject })
    this.#send(request)
    return promise
  }
}
