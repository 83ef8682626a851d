import { describe, expect, it } from 'vitest'
import { UnderWay } from '../../src/usecases/under-way.ts'

describe('cleaning up behind an image', () => {
  it('is not done while somebody writes to it, however many do', async () => {
    const underWay = new UnderWay()
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const writes = [first, second].map(({ promise }) => underWay.at('a', () => promise))
    const cleanUp = (): Promise<string | undefined> => underWay.behind('a', async () => 'cleaned')
    expect(await cleanUp()).toBeUndefined()
    first.resolve()
    await writes[0]
    expect(await cleanUp()).toBeUndefined()
    expect(await underWay.behind('b', async () => 'cleaned')).toBe('cleaned')
    second.resolve()
    await writes[1]
    expect(await cleanUp()).toBe('cleaned')
  })

  it.each(['resolve', 'reject'] as const)('keeps writers waiting until it is over (%s)', async (end) => {
    const underWay = new UnderWay()
    const gate = Promise.withResolvers<void>()
    const happened: string[] = []
    const cleaned = underWay
      .behind('a', async () => {
        await gate.promise
        happened.push('cleaned')
      })
      .catch(() => happened.push('failed'))
    const written = underWay.at('a', async () => happened.push('written'))
    await underWay.at('b', async () => happened.push('other image'))
    expect(await underWay.behind('a', async () => 'second')).toBeUndefined()
    if (end === 'resolve') gate.resolve()
    else gate.reject(new Error('no'))
    await Promise.all([cleaned, written])
    expect(happened.toSorted()).toEqual(['other image', 'written', end === 'resolve' ? 'cleaned' : 'failed'].toSorted())
    expect(happened[0]).toBe('other image')
    if (end === 'resolve') expect(happened).toEqual(['other image', 'cleaned', 'written'])
  })

  it('may begin after a write that failed', async () => {
    const underWay = new UnderWay()
    await expect(underWay.at('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await underWay.behind('a', async () => 'cleaned')).toBe('cleaned')
  })
})
