// A process that runs the small flow again and again, the disk failing at one call after another until it runs through.
import { mkdirSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { SqliteStore } from '../src/index.ts'
import { migrations } from '../src/migrations.ts'
import { openDatabase } from '../src/opening.ts'
import { refusedBy } from '../src/refusal.ts'
import { FaultControl } from './faulty.ts'
import { attempt, endOf } from './small-run.ts'

const [folder = '', name = 'EIO', when = 'running', synchronous = 'normal'] = process.argv.slice(2)
const errno = constants.errno[name as 'EIO']
const control = new FaultControl()
const outcomes: Record<string, number> = {}
mkdirSync(folder, { recursive: true })

const open = async (file: string): Promise<SqliteStore> =>
  await SqliteStore.open({ file: join(folder, file), synchronous: synchronous as 'normal' })

function note(code: string | null, end: string): void {
  const outcome = `${code}, then ${end}`
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
}

/** The disk fails while a file is made; then it must be possible to make it after all. Without threads, as it is quicker. */
function failOpening(number: number): boolean {
  const setting = { file: join(folder, `${number}.sqlite`), synchronous: 'full', busyTimeout: 0, check: true } as const
  control.failAfter(number, errno)
  let code: string | null = null
  try {
    openDatabase(setting).close()
  } catch (error) {
    code = refusedBy(error, setting.file).code
  }
  const failed = control.heal()
  const database = openDatabase(setting)
  const [check] = Object.values(database.prepare('pragma integrity_check').get() ?? {})
  const { count } = database.prepare('select count(*) as count from taskflow_migrations').get() ?? {}
  database.close()
  note(code, `${String(check)}, migrations: ${Number(count)} of ${migrations.length}`)
  return failed
}

/** The disk fails while a run is under way; then the store must have got over it, and now and then one opened anew. */
async function failRunning(number: number, store: SqliteStore): Promise<readonly [boolean, SqliteStore]> {
  const id = `r${number}`
  control.failAfter(number, errno)
  const code = await attempt(store.backend, id)
  const failed = control.heal()
  const anew = number % reopenedEvery === 0
  if (anew) await store.close()
  const next = anew ? await open('flows.sqlite') : store
  note(code, (await attempt(next.backend, id)) ?? (await endOf(next.backend, id)))
  return [failed, next]
}

const reopenedEvery = 10
let calls = 0
if (when === 'opening') {
  while (failOpening(calls)) calls++
} else {
  let store = await open('flows.sqlite')
  for (let failed = true; failed; calls++) [failed, store] = await failRunning(calls, store)
  calls--
  await store.close()
}
control.close()
console.log(JSON.stringify({ calls, outcomes }))
