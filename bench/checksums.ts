import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

const mebibyte = 1_048_576

function hash(algorithms: readonly string[], size: number): void {
  const chunk = Buffer.alloc(mebibyte, 1)
  const hashes = algorithms.map((name) => createHash(name))
  for (let at = 0; at < size; at += mebibyte) for (const each of hashes) each.update(chunk)
  for (const each of hashes) each.digest()
}

/** MiB/s of md5 and sha512 over the same bytes in memory, on one thread. */
export function checksumsOnOneThread(size: number): number {
  const began = performance.now()
  hash(['md5', 'sha512'], size)
  return speed(size, began)
}

/** The same with a thread for each. Their start counts: an upload has to wait for it too. */
export async function checksumsOnTwoThreads(size: number): Promise<number> {
  const began = performance.now()
  const script = fileURLToPath(import.meta.url)
  const workers = ['md5', 'sha512'].map((algorithm) => new Worker(script, { workerData: { algorithm, size } }))
  await Promise.all(workers.map((worker) => once(worker, 'exit')))
  return speed(size, began)
}

function speed(size: number, began: number): number {
  return Math.round((size / mebibyte) * (1_000 / (performance.now() - began)))
}

if (!isMainThread) {
  const { algorithm, size } = workerData as { algorithm: string; size: number }
  hash([algorithm], size)
}
