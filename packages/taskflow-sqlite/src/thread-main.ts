// The program of the thread that has the database. It imports nothing but files of this package and Node's own modules,
// by relative paths, so that it starts from `src` by type stripping and from `dist` alike.

import { availableParallelism } from 'node:os'
import type { DatabaseSync } from 'node:sqlite'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { atomOperations } from './atom-operations.ts'
import { jobOperations } from './job-operations.ts'
import type { Call, Outcome, Report, ThreadData } from './messages.ts'
import { openDatabase } from './opening.ts'
import { refusedBy } from './refusal.ts'
import { runOperations } from './run-operations.ts'
import { Transactions } from './transactions.ts'

const port = parentPort
if (port === null) throw new Error('this is the program of the thread of a SqliteStore, and is started by one')

const data = workerData as ThreadData

/** Who gets an answer often asks again at once: to be awake then spares both sides the way through the kernel. */
const spinMs = availableParallelism() > 1 ? 0.05 : 0

function say(outcomes: readonly Outcome[], transactions: number): void {
  port!.postMessage({ outcomes, transactions } satisfies Report, [])
}

/** Everything that has been asked for by now. */
function take(): Call[] {
  const calls: Call[] = []
  for (let taken = receiveMessageOnPort(port!); taken; taken = receiveMessageOnPort(port!)) {
    for (const call of taken.message as readonly Call[]) calls.push(call)
  }
  return calls
}

/** Rests until the bell has another number than the one that was seen before the calls were taken. */
function rest(seen: number): void {
  const until = performance.now() + spinMs
  while (performance.now() < until) if (Atomics.load(data.bell, 0) !== seen) return
  Atomics.wait(data.bell, 0, seen)
}

/** Until somebody asks it to close; nobody asks for anything after that. */
function serve(database: DatabaseSync): void {
  const operations = { ...runOperations(database), ...atomOperations(database), ...jobOperations(database) }
  const transactions = new Transactions(database, operations, data.file)
  for (;;) {
    const seen = Atomics.load(data.bell, 0)
    const calls = take()
    const last = calls.at(-1)?.[0] === 'close'
    if (last) calls.pop()
    if (calls.length > 0) say(transactions.make(calls), transactions.committed)
    if (last) return
    if (calls.length === 0) rest(seen)
  }
}

function open(): DatabaseSync | null {
  try {
    return openDatabase(data)
  } catch (error) {
    say([refusedBy(error, data.file)], 0)
    return null
  }
}

const database = open()
if (database) {
  say([null], 0)
  serve(database)
  database.close()
}
