// A process that commits one batch after the other, or keeps the file locked, until it is stopped.
// It says what it has done on its standard output, a line each.
import { writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { SqliteStore } from '../src/index.ts'

const [task, file = '', id = 'r'] = process.argv.slice(2)
const say = (text: string): void => void writeSync(1, `${text}\n`)

async function commit(synchronous: 'normal' | 'full', most: number): Promise<void> {
  const { backend } = await SqliteStore.open({ file, synchronous, busyTimeout: 30_000 })
  for (let number = 1; number <= most; number++) {
    const atom = { name: `atom ${number}`, state: 'SUCCESS', attempts: 1, result: number } as const
    await backend.commit({ flow: id, fence: 0, at: number, change: {}, atoms: [atom, { ...atom, name: 'latest' }] })
    say(String(number))
  }
  await backend.close()
}

if (task === 'lock') {
  const database = new DatabaseSync(file)
  database.exec('begin immediate')
  say('locked')
  process.stdin.once('data', () => {
    database.exec('commit')
    say('unlocked')
    database.close()
    process.stdin.destroy()
  })
} else {
  await commit(task === 'full' ? 'full' : 'normal', id === 'r' ? Number.POSITIVE_INFINITY : 200)
}
