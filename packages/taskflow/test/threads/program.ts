/**
 * A program that only waits for two calls of its pool, and does not close the pool. It ends by itself, with what both
 * gave in its output, when a busy thread keeps the process alive and an idle one does not.
 */
const [, , library = ''] = process.argv
const module = 'data:text/javascript,export const add = { name: "add", execute: ({ a, b }) => a + b }'
const { task, ThreadPool } = (await import(library)) as typeof import('../../src/index.ts')
const add = task({ name: 'add', module, execute: ({ a, b }: { a: number; b: number }) => a + b })
const logger = { debug() {}, info() {}, warn() {}, error() {} }
const context = {
  signal: new AbortController().signal,
  flow: 'f',
  atom: 'a',
  attempt: 1,
  idempotencyKey: 'f/a/1',
  logger,
  progress() {},
}
const pool = new ThreadPool({ size: 2 })
const never = new AbortController().signal

async function sum(a: number, b: number): Promise<void> {
  console.log('sum', await pool.invoke({ action: 'execute', task: add, args: { a, b }, context }, never))
}

// No await at the top level: it would be an error of its own to end before it.
void sum(1, 2).then(() => sum(3, 4))
