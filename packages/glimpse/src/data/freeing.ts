/**
 * Passes chunks on and frees the memory of each when the next one is asked for, instead of when the garbage collector
 * comes by: V8 lets some 64 MiB of such buffers pile up first.
 *
 * For sources whose chunks nobody else holds, and takers that keep none (a store copies a chunk before it asks for the
 * next).
 */
export async function* freeing(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    yield chunk
    const { buffer } = chunk
    const ownsBuffer = buffer instanceof ArrayBuffer && chunk.byteLength === buffer.byteLength
    if (ownsBuffer) buffer.transfer(0)
  }
}
