import { ApiError } from './errors.ts'
import { type Call, settle, type Transport } from './transport.ts'

/**
 * The bytes of an image. Streams and iterables are read once, no faster than the service takes them, and let go of
 * when the call ends, however it ends. Browsers send streams over HTTP/2 only, and some not at all: give them a `Blob`.
 */
export type UploadBody = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Uint8Array | Blob

export interface UploadOptions {
  /** How many bytes there are. The service is told before they come, and fewer or more make the call fail. */
  readonly size?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** @throws what the source throws; RangeError for a size that is wrong. */
export async function sendBytes(
  send: Transport,
  path: string,
  body: UploadBody,
  { size, signal }: UploadOptions,
): Promise<void> {
  const announced = checkSize(body, size)
  const headers = { 'content-type': 'application/octet-stream', ...announced }
  const call: Call = { method: 'PUT', path, headers, signal }
  if (body instanceof Blob || body instanceof Uint8Array) {
    await settle(send, { ...call, body: body as Blob | Uint8Array<ArrayBuffer> })
    return
  }
  const source = new Source(body, size)
  try {
    await settle(send, { ...call, body: source.stream })
  } catch (error) {
    const unanswered = error instanceof ApiError && error.status === 0
    throw unanswered && source.failure !== undefined ? source.failure.cause : error
  } finally {
    source.close()
  }
}

/** Browsers drop `Content-Length` and set their own; the other header reaches the service from everywhere. */
function checkSize(body: UploadBody, size: number | undefined): Record<string, string> {
  if (size === undefined) return {}
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new RangeError(`size is ${size}: a whole number of bytes from 0 to ${Number.MAX_SAFE_INTEGER} is allowed`)
  }
  const actual = body instanceof Blob ? body.size : body instanceof Uint8Array ? body.byteLength : size
  if (actual !== size) throw new RangeError(`size is ${size}, but the body has ${actual} bytes`)
  return { 'content-length': String(size), 'x-openstack-image-size': String(size) }
}

/**
 * Hands what a caller gave on to fetch, one chunk for each that is asked for. fetch does not always let go of a
 * body that it stops reading, and hides the body's failures in its own: so this stands between.
 */
class Source {
  readonly stream: ReadableStream<Uint8Array>
  /** What the caller's source failed with. */
  failure: { readonly cause: unknown } | undefined
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #size: number | undefined
  #sent = 0
  #ended = false
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined

  constructor(body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>, size: number | undefined) {
    this.#chunks = body instanceof ReadableStream ? iterate(body) : body[Symbol.asyncIterator]()
    this.#size = size
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: (controller) => this.#pull(controller),
        cancel: () => this.close(),
      },
      { highWaterMark: 0 },
    )
  }

  /** Lets go of the source, now; one that is busy with its next chunk when it comes out of it. */
  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#controller?.error(new Error('the call has ended'))
    // The outcome of the call is known by now; a source that fails at tidying up does not change it.
    this.#release().catch(() => {})
  }

  async #release(): Promise<void> {
    await this.#chunks.return?.()
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      const { done, value } = await this.#chunks.next()
      if (this.#ended) return
      this.#count(done === true ? undefined : value)
      if (done !== true) return controller.enqueue(value)
      this.#ended = true
      controller.close()
    } catch (cause) {
      this.failure = { cause }
      throw cause
    }
  }

  #count(chunk: Uint8Array | undefined): void {
    if (chunk !== undefined && !(chunk instanceof Uint8Array)) {
      throw new TypeError(`the body gave a chunk that is a ${typeof chunk}: only Uint8Array is allowed`)
    }
    this.#sent += chunk?.byteLength ?? 0
    const size = this.#size ?? this.#sent
    if (this.#sent > size || (chunk === undefined && this.#sent < size)) {
      throw new RangeError(
        `size is ${size}, but the body gave ${chunk === undefined ? '' : 'at least '}${this.#sent} bytes`,
      )
    }
  }
}

/** Some browsers cannot iterate over a stream themselves. */
function iterate(stream: ReadableStream<Uint8Array>): AsyncIterator<Uint8Array> {
  const reader = stream.getReader()
  return {
    async next() {
      const { done, value } = await reader.read()
      return done ? { done, value: undefined } : { done, value }
    },
    async return() {
      await reader.cancel()
      return { done: true, value: undefined }
    },
  }
}
