import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Call, Outcome } from './messages.ts'
import type { Operation, Operations } from './operations.ts'
import { Refusal, refusedBy, resultCode } from './refusal.ts'

interface Member {
  readonly call: Call
  readonly operation: Operation
}

/** What says more about the file than about the call that met it: the next one would meet it too. */
const common: ReadonlySet<number | undefined> = new Set([5, 8, 10, 11, 14, 26])

/**
 * Makes calls in their order: all that are asked for at one time in one transaction, so that they cost one commit.
 *
 * A call that is refused before it writes leaves the rest alone. Where anything else breaks, the transaction is undone
 * and each call made again in one of its own, so that only the one that breaks is refused.
 */
export class Transactions {
  /** How many that write were committed. */
  committed = 0
  readonly #operations: Operations
  readonly #database: DatabaseSync
  readonly #file: string
  readonly #begin: StatementSync
  readonly #beginWriting: StatementSync
  readonly #commit: StatementSync
  readonly #rollback: StatementSync

  constructor(database: DatabaseSync, operations: Operations, file: string) {
    this.#operations = operations
    this.#database = database
    this.#file = file
    this.#begin = database.prepare('begin')
    this.#beginWriting = database.prepare('begin immediate')
    this.#commit = database.prepare('commit')
    this.#rollback = database.prepare('rollback')
  }

  make(calls: readonly Call[]): readonly Outcome[] {
    const members = calls.map((call) => ({ call, operation: this.#operations[call[0]]! }))
    if (!members.some(({ operation }) => operation.writes)) return this.#together(members, this.#begin)
    try {
      return this.#together(members, this.#beginWriting)
    } catch (error) {
      if (common.has(resultCode(error))) return this.#without(members, error)
      return members.length === 1 ? [refusedBy(error, this.#file)] : members.flatMap(({ call }) => this.make([call]))
    }
  }

  /** Nothing can be written: what reads is served all the same. */
  #without(members: readonly Member[], error: unknown): readonly Outcome[] {
    return members.flatMap(({ call, operation }) =>
      operation.writes ? [refusedBy(error, this.#file)] : this.make([call]),
    )
  }

  #together(members: readonly Member[], begin: StatementSync): readonly Outcome[] {
    const writes = begin === this.#beginWriting
    try {
      begin.run()
      const outcomes = members.map((member) => this.#outcome(member))
      this.#commit.run()
      if (writes) this.committed++
      return outcomes
    } catch (error) {
      if (this.#database.isTransaction) this.#rollback.run()
      if (writes) throw error
      return members.map(() => refusedBy(error, this.#file))
    }
  }

  #outcome({ call: [, cells], operation }: Member): Outcome {
    try {
      return operation.run(cells)
    } catch (error) {
      if (error instanceof Refusal) return refusedBy(error, this.#file)
      throw error
    }
  }
}
