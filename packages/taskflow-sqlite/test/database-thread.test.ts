import { expect, it } from 'vitest'
import { DatabaseThread } from '../src/database-thread.ts'
import { refusal } from './stores.ts'

it('a thread that breaks fails every call that waits, and those that come later', async () => {
  const thread = new DatabaseThread({ file: ':memory:', synchronous: 'normal', busyTimeout: 0, check: true })
  await thread.opened()
  // Nobody can ask for this by the store: what it provokes is a true fault in the thread.
  const calls = [thread.call('load', ['r']), thread.call('no such operation', []), thread.call('load', ['r'])]
  const errors = await Promise.all(calls.map(refusal))
  for (const { code, message } of errors) {
    expect(code).toBe('storage')
    expect(message).toMatch(/^cannot use the database :memory:: its thread broke: /)
  }
  expect((await refusal(thread.call('load', ['r']))).message).toBe(errors[0]?.message)
  await thread.close()
})
