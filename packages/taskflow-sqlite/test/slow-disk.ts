// A process that runs durable flows while each sync of the disk takes its time, and sees how late its timers are.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { atom, Engine, linear, task } from '@glimpse/taskflow'
import { SqliteStore } from '../src/index.ts'
import { FaultControl } from './faulty.ts'

const [folder = '', syncMs = '20'] = process.argv.slice(2)
const every = 2
const rounds = 3
mkdirSync(folder, { recursive: true })
const store = await SqliteStore.open({ file: join(folder, 'flows.sqlite'), synchronous: 'full' })
const noop = task({ name: 'noop', execute: () => 1 })

async function runFlows(): Promise<void> {
  const atoms = Array.from({ length: 30 }, (_, index) => atom(noop, { name: `t${index}`, provides: `s${index}` }))
  const flows = Array.from({ length: 10 }, () => new Engine(linear('f', atoms), { backend: store.backend }).run({}))
  await Promise.all(flows)
}

/** How late a timer of every two milliseconds is while this goes on: the 99th of 100, in milliseconds. */
async function lateness(act: () => Promise<void>): Promise<number> {
  const late: number[] = []
  let due = performance.now() + every
  const timer = setInterval(() => {
    const now = performance.now()
    late.push(now - due)
    due = now + every
  }, every)
  await act()
  clearInterval(timer)
  return late.toSorted((a, b) => a - b)[Math.floor(late.length * 0.99)]!
}

await runFlows()
const control = new FaultControl()
control.slowSyncs(Number(syncMs) * 1_000)
const before = store.statistics.transactions
const began = performance.now()
const p99s: number[] = []
for (let round = 0; round < rounds; round++) p99s.push(await lateness(runFlows))
const took = performance.now() - began
const transactions = store.statistics.transactions - before
control.slowSyncs(0)
control.close()
await store.close()
console.log(JSON.stringify({ took, transactions, p99s }))
