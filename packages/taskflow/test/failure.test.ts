import { describe, expect, it } from 'vitest'
import { errorCodes, Failure, type StoredFailure, TaskFlowError, WrappedFailure } from '../src/index.ts'

class ImageError extends Error {}

class TooLargeError extends ImageError {
  override readonly name = 'TooLarge'
  readonly code = 'E2BIG'
}

function throughJson(failure: Failure): Failure {
  return Failure.fromStored(JSON.parse(JSON.stringify(failure)) as StoredFailure)
}

describe('a failure', () => {
  it('says which atom, what, why and where', () => {
    const error = new TooLargeError('5 GiB are too large')
    const failure = Failure.from(error, 'download')
    expect(failure).toMatchObject({
      atom: 'download',
      names: ['TooLarge', 'TooLargeError', 'ImageError', 'Error'],
      message: '5 GiB are too large',
      code: 'E2BIG',
      causes: [],
    })
    expect(failure.stack).toBe(error.stack)
    expect(String(failure)).toBe('download: TooLarge: 5 GiB are too large')
    expect(failure.toError()).toBe(error)
  })

  it('is named by its own class first, where the class says no name', () => {
    const failure = Failure.from(new ImageError('broke'), 'a')
    expect(failure.names).toEqual(['ImageError', 'Error'])
    expect(String(failure)).toBe('a: ImageError: broke')
    expect(Failure.from(new TypeError('broke'), 'a').names).toEqual(['TypeError', 'Error'])
    expect(Failure.from(new DOMException('too late', 'AbortError'), 'a').names[0]).toBe('AbortError')
  })

  it('has a code only where that is a text', () => {
    expect(Failure.from(Object.assign(new Error('x'), { code: 404 }), 'a').code).toBeNull()
    expect(Failure.from(new Error('x'), 'a').code).toBeNull()
    expect(Failure.from(new TaskFlowError('cancelled', 'x'), 'a').code).toBe('cancelled')
  })

  it('knows its classes, by class and by name, before and after storage', () => {
    const failure = Failure.from(new TooLargeError('x'), 'a')
    for (const one of [failure, throughJson(failure)]) {
      expect(one.is(TooLargeError)).toBe(true)
      expect(one.is(ImageError)).toBe(true)
      expect(one.is(Error)).toBe(true)
      expect(one.is('TooLarge')).toBe(true)
      expect(one.is('ImageError')).toBe(true)
      expect(one.is(TypeError, 'ImageError')).toBe(true)
      expect(one.is(TypeError, 'Other')).toBe(false)
      expect(one.is()).toBe(false)
      expect(one.is('Object')).toBe(false)
    }
  })

  it('keeps the chain of causes, nearest first, whatever they are', () => {
    const root = new ImageError('root')
    const middle = new TypeError('middle', { cause: root })
    const failure = Failure.from(new Error('top', { cause: middle }), 'a')
    expect(failure.causes).toEqual([
      { name: 'TypeError', message: 'middle', stack: middle.stack },
      { name: 'ImageError', message: 'root', stack: root.stack },
    ])
    const odd = Failure.from(new Error('top', { cause: { status: 503 } }), 'a')
    expect(odd.causes.map(({ message }) => message)).toEqual(['{"status":503}'])
    expect(Failure.from(new Error('top', { cause: null }), 'a').causes.map(({ message }) => message)).toEqual(['null'])
    expect(Failure.from(new Error('top', { cause: undefined }), 'a').causes).toEqual([])
  })

  it('cuts a chain that has no end', () => {
    const error = new Error('ring')
    error.cause = error
    const failure = Failure.from(error, 'a')
    expect(failure.causes).toHaveLength(16)
    expect(throughJson(failure).causes).toHaveLength(16)
  })

  it.each([
    ['a text', 'just words', 'just words'],
    ['an empty text', '', ''],
    ['a number', 7, '7'],
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['a big integer', 10n, '10'],
    ['an object', { status: 503 }, '{"status":503}'],
    ['an object without a prototype', Object.create(null), '{}'],
  ])('describes what was thrown when it is no error: %s', (_, thrown, message) => {
    const failure = Failure.from(thrown, 'a')
    expect(failure.message).toBe(message)
    expect(failure.names).toEqual(['Error'])
    if (thrown !== undefined) expect(failure.toError()).toBe(thrown)
    expect(throughJson(failure).message).toBe(message)
  })

  it('is made of anything, also of what defends itself', () => {
    const ring: { self?: object } = {}
    ring.self = ring
    expect(Failure.from(ring, 'a').message).toBe('[object Object]')
    const hostile = new Error('x')
    for (const key of ['name', 'message', 'stack', 'code', 'cause', 'constructor']) {
      Object.defineProperty(hostile, key, {
        get() {
          throw new TypeError('hands off')
        },
      })
    }
    const strange = Object.assign(new Error('x'), { name: 7, message: { toString: 1 }, stack: [] })
    const orphan = Object.setPrototypeOf(new Error('x'), Object.create(null) as object) as unknown
    for (const thrown of [hostile, strange, orphan]) {
      const failure = Failure.from(thrown, 'a')
      expect(failure.toError()).toBe(thrown)
      expect(failure.message).toBeTypeOf('string')
      expect(failure.names.length).toBeGreaterThan(0)
      expect(throughJson(failure).toJSON()).toEqual(failure.toJSON())
    }
  })

  it('is the same through JSON and back, but for the error itself', () => {
    const error = new TooLargeError('too large')
    error.cause = new ImageError('why', { cause: 'words' })
    const failure = Failure.from(error, 'a')
    const back = throughJson(failure)
    expect(back.toJSON()).toEqual(failure.toJSON())
    expect(String(back)).toBe(String(failure))
  })

  it('gives an error that reads like the one that was thrown, after a restart', () => {
    const error = new TooLargeError('too large')
    error.cause = new ImageError('why', { cause: new Error('root') })
    const back = throughJson(Failure.from(error, 'a')).toError() as Error & { code: string }
    expect(back).toBeInstanceOf(Error)
    expect(back).toMatchObject({ name: 'TooLarge', message: 'too large', code: 'E2BIG', stack: error.stack })
    const cause = back.cause as Error
    expect(cause).toMatchObject({ name: 'ImageError', message: 'why' })
    expect(cause.cause).toMatchObject({ name: 'Error', message: 'root' })
    expect((cause.cause as Error).cause).toBeUndefined()
    expect('code' in cause).toBe(false)
  })
})

describe('the errors of the library', () => {
  it('have a code that the table explains', () => {
    const error = new TaskFlowError('storage', 'lost', { cause: 'why' })
    expect(error).toMatchObject({ name: 'TaskFlowError', code: 'storage', message: 'lost', cause: 'why' })
    expect(Object.values(errorCodes).every((meaning) => meaning.length > 0)).toBe(true)
  })

  it('wrap several failures with their errors', () => {
    const [a, b] = [new Error('one'), 'two']
    const wrapped = new WrappedFailure([Failure.from(a, 'a'), Failure.from(b, 'b')])
    expect(wrapped).toBeInstanceOf(AggregateError)
    expect(wrapped.message).toBe('a: one; b: two')
    expect(wrapped.errors).toEqual([a, b])
  })
})
