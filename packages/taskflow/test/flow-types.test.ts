import { describe, expect, it } from 'vitest'
import { type Flow, flow, type Handle, type Inputs, type JsonValue, run, task, withDefaults } from '../src/index.ts'

const one = task({ name: 'one', execute: () => 1 })
const word = task({ name: 'word', execute: () => 'w' })
const add = task({ name: 'add', execute: ({ a, b }: { a: number; b: number }) => a + b })

interface Disk {
  format: string
  sizes: readonly number[]
  backing?: Disk
}

interface Image {
  readonly id: string
  readonly disk: Disk
  readonly owner: string | null
}

const describeImage = task({
  name: 'describe',
  execute: ({ id }: { id: string }): Image => ({ id, disk: { format: 'raw', sizes: [1] }, owner: null }),
})
const optional = task({
  name: 'optional',
  execute: ({ a, b = 7 }: { a: number; b?: number | undefined }) => a + b,
})
const either = task({ name: 'either', execute: ({ x }: { x: string | number | null }) => x })
const anyJson = task({ name: 'any json', execute: ({ x }: { x: JsonValue }) => x })
const variant = task({
  name: 'variant',
  execute: (args: { kind: 'file'; path: string } | { kind: 'http'; uri: string }) => args.kind,
})
const config = task({ name: 'config', execute: ({ config }: { config: object }) => Object.keys(config) })

/** Only the compiler reads these: each must be refused, on the line that is wrong. They are never run. */
export const wrongFlows: Readonly<Record<string, () => unknown>> = {
  'a missing argument': () =>
    flow('f', (f) => {
      // @ts-expect-error b is missing
      f.add(add, { a: 1 })
      // @ts-expect-error both are missing
      f.add(add, {})
      // @ts-expect-error the wiring itself is missing
      f.add(add)
      // @ts-expect-error undefined is no number
      f.add(add, { a: 1, b: undefined })
    }),

  'a wrong type': () =>
    flow('f', (f, { id, image }: Inputs<{ id: string; image: Image }>) => {
      // @ts-expect-error a constant of the wrong type
      f.add(add, { a: 1, b: 'two' })
      // @ts-expect-error a result of the wrong type
      f.add(add, { a: f.add(word, {}), b: 1 })
      // @ts-expect-error an input of the wrong type
      f.add(add, { a: 1, b: id })
      // @ts-expect-error a part of the wrong type
      f.add(add, { a: 1, b: image.at('disk').at('format') })
      // @ts-expect-error null may come, and null is no string
      f.add(describeImage, { id: image.at('owner') })
      // @ts-expect-error what may be left out is no argument that must be there
      f.add(describeImage, { id: f.add(task({ name: 'maybe', execute: (): string | undefined => 'x' }), {}) })
      // @ts-expect-error a handle is not the value: it has no number yet
      f.add(add, { a: f.add(one, {}) + 1, b: 1 })
    }),

  'a handle inside a constant': () =>
    flow('f', (f) => {
      const list = task({ name: 'list', execute: ({ numbers }: { numbers: readonly number[] }) => numbers })
      // @ts-expect-error a list of handles is not a handle of a list
      f.add(list, { numbers: [f.add(one, {})] })
      // @ts-expect-error a handle is no JSON value
      f.add(anyJson, { x: [f.add(one, {})] })
    }),

  'a handle for an argument of any object': () =>
    flow('f', (f) => {
      // @ts-expect-error a string is no object
      f.add(config, { config: f.add(word, {}) })
      // @ts-expect-error not when it is a constant either
      f.add(config, { config: 'text' })
    }),

  'a typo': () =>
    flow('f', (f, inputs: Inputs<{ id: string }>) => {
      // @ts-expect-error c is no argument of add
      f.add(add, { a: 1, b: 2, c: 3 })
      // @ts-expect-error nam is no option
      f.add(one, {}, { nam: 'two' })
      // @ts-expect-error the flow has no input ids
      f.add(describeImage, { id: inputs.ids })
      // @ts-expect-error an image has no size
      f.add(describeImage, { id: 'x' }).at('size')
      // @ts-expect-error a text has no parts
      f.add(word, {}).at('length')
      // @ts-expect-error a list has no parts with a name
      f.add(describeImage, { id: 'x' }, { name: 'b' }).at('disk').at('sizes').at('map')
    }),

  'a use that is too early': () =>
    flow('f', (f) => {
      // @ts-expect-error later is not there yet
      f.add(add, { a: later, b: 1 })
      const later = f.add(one, {})
    }),

  'a step of a part, outside of it': () =>
    flow('f', (f) => {
      f.unordered('part', (g) => {
        const inner = g.add(one, {})
        return inner
      })
      // @ts-expect-error inner belongs to the part
      f.add(add, { a: inner, b: 1 })
    }),

  'wrong inputs of a run': () => {
    const written: Flow<{ id: string }, string> = flow('f', (_, { id }: Inputs<{ id: string }>) => id)
    return [
      // @ts-expect-error id is missing
      run(written, {}),
      // @ts-expect-error id is a text
      run(written, { id: 1 }),
      // @ts-expect-error ids is no input
      run(written, { id: 'x', ids: 'y' }),
      // @ts-expect-error what comes out is a text
      run(written, { id: 'x' }).then((result: number) => result),
    ]
  },

  'an input that a run leaves out, without a default': () => {
    const optional = flow('f', (f, { a, b }: Inputs<{ a: number; b?: number }>) => f.add(add, { a, b }))
    const sum = flow('f', (f, { a, b }: Inputs<{ a: number; b: number }>) => f.add(add, { a, b }))
    return [
      // @ts-expect-error b has no default
      run(optional, { a: 1 }),
      // @ts-expect-error a has no default
      run(withDefaults(sum, { b: 1 }), {}),
      // @ts-expect-error b is a number
      withDefaults(sum, { b: 'x' }),
      // @ts-expect-error b is a number, with a default too
      run(withDefaults(sum, { b: 1 }), { a: 1, b: 'x' }),
    ]
  },

  'a flow in place of one with other inputs': () => {
    const written = flow('f', (_, { id }: Inputs<{ id: string }>) => id)
    // @ts-expect-error a flow that needs more than it is given
    const other: Flow<{ name: string }, string> = written
    // @ts-expect-error a flow that gives something else
    const third: Flow<{ id: string }, number> = written
    return [other, third]
  },

  'arguments of revert': () =>
    task({
      name: 't',
      execute: ({ id }: { id: string }) => ({ id, size: 1 }),
      // @ts-expect-error execute takes no name
      revert: ({ name }) => name,
    }),

  'an argument of revert that has another type': () =>
    task({
      name: 't',
      execute: ({ id }: { id: string }) => id,
      // @ts-expect-error id is a text
      revert: ({ id }: { id: number }) => id,
    }),

  'the outcome of revert': () =>
    task({
      name: 't',
      execute: ({ id }: { id: string }) => ({ id, size: 1 }),
      revert: (_, outcome) => {
        // @ts-expect-error there is a result only when it went well
        void outcome.result
        if (!outcome.ok) {
          // @ts-expect-error and none when it did not
          return outcome.result
        }
        // @ts-expect-error the result has no name
        return outcome.result.name
      },
    }),

  'results that are not JSON': () => [
    // @ts-expect-error a date
    task({ name: 't', execute: () => ({ at: new Date() }) }),
    // @ts-expect-error a date that is waited for
    task({ name: 't', execute: async () => new Date() }),
    // @ts-expect-error a map
    task({ name: 't', execute: () => new Map<string, string>() }),
    // @ts-expect-error a set in a list
    task({ name: 't', execute: () => [{ names: new Set<string>() }] }),
    // @ts-expect-error a function
    task({ name: 't', execute: () => ({ undo: () => 1 }) }),
    // @ts-expect-error an object of a class
    task({ name: 't', execute: () => new URLSearchParams() }),
    // @ts-expect-error an object of a class that may be there
    task({ name: 't', execute: (): Image | AbortController => new AbortController() }),
    // @ts-expect-error a big integer
    task({ name: 't', execute: () => 1n }),
    // @ts-expect-error a symbol
    task({ name: 't', execute: () => Symbol('s') }),
    // @ts-expect-error bytes
    task({ name: 't', execute: () => new Uint8Array(1) }),
    // @ts-expect-error a promise in an object
    task({ name: 't', execute: () => ({ later: Promise.resolve(1) }) }),
    // @ts-expect-error an error
    task({ name: 't', execute: () => ({ error: new Error('x') }) }),
    // @ts-expect-error a list with holes
    task({ name: 't', execute: (): (string | undefined)[] => [undefined] }),
    // @ts-expect-error four levels down
    task({ name: 't', execute: () => ({ a: { b: [{ c: { d: new Date() } }] } }) }),
  ],

  'arguments that are not JSON': () => [
    // @ts-expect-error a date
    task({ name: 't', execute: ({ at }: { at: Date }) => String(at) }),
    // @ts-expect-error a function
    task({ name: 't', execute: ({ done }: { done: () => void }) => done() }),
    // @ts-expect-error an optional map
    task({ name: 't', execute: ({ tags }: { tags?: Map<string, string> }) => tags?.size }),
  ],
}

describe('the compiler', () => {
  it('reads every wrong flow of this file, and nobody runs one', () => {
    for (const wrong of Object.values(wrongFlows)) expect(wrong).toBeTypeOf('function')
  })

  it('accepts what may be left out, left out or not', async () => {
    const written = flow('f', (f, { b }: Inputs<{ b: number }>) => {
      const without = f.add(optional, { a: 1 })
      const absent = f.add(optional, { a: without, b: undefined }, { name: 'absent' })
      const constant = f.add(optional, { a: absent, b: 100 }, { name: 'constant' })
      return f.add(optional, { a: constant, b }, { name: 'handle' })
    })
    const result: number = await run(written, { b: 1000 })
    expect(result).toBe(1 + 7 + 7 + 100 + 1000)
  })

  it('accepts unions, of values and of arguments', async () => {
    const written = flow('f', (f) => {
      f.add(either, { x: 1 })
      f.add(either, { x: f.add(word, {}) }, { name: 'b' })
      f.add(either, { x: f.add(describeImage, { id: 'x' }).at('owner') }, { name: 'c' })
      f.add(variant, { kind: 'http', uri: 'u' })
      return f.add(variant, { kind: 'file', path: 'p' }, { name: 'e' })
    })
    const kind: 'file' | 'http' = await run(written, {})
    expect(kind).toBe('file')
  })

  it('accepts any JSON value where one is wanted', async () => {
    const written = flow('f', (f, { tree }: Inputs<{ tree: JsonValue }>) => {
      f.add(anyJson, { x: { a: [1, null, { b: 'c' }] } })
      f.add(anyJson, { x: f.add(one, {}) }, { name: 'b' })
      return f.add(anyJson, { x: tree }, { name: 'c' })
    })
    const result: JsonValue = await run(written, { tree: { a: [] } })
    expect(result).toEqual({ a: [] })
  })

  it('accepts any object where one is wanted', async () => {
    const written = flow('f', (f, { image }: Inputs<{ image: { id: string } }>) => {
      f.add(config, { config: image })
      return f.add(config, { config: { a: 1 } }, { name: 'b' })
    })
    await expect(run(written, { image: { id: 'x' } })).resolves.toEqual(['a'])
  })

  it('accepts interfaces, recursive ones too, and their parts', async () => {
    const format = flow('f', (f): Handle<string> => f.add(describeImage, { id: 'x' }).at('disk').at('format'))
    const result: string = await run(format, {})
    expect(result).toBe('raw')
  })

  it('accepts tasks without arguments, results or both', async () => {
    const silent = task({ name: 'silent', execute: () => {} })
    const later = task({ name: 'later', execute: async () => {} })
    const listening = task({ name: 'listening', execute: (_: object, context) => context.attempt })
    const written = flow('f', (f) => {
      f.add(silent, {})
      f.add(later, {})
      return f.add(listening, {})
    })
    const attempt: number = await run(written, {})
    expect(attempt).toBe(1)
  })

  it('accepts inputs as a type argument', async () => {
    const written = flow<{ id: string; unused: number | null }>('f', (f, { id }) => f.add(describeImage, { id }))
    await expect(run(written, { id: 'x', unused: null })).resolves.toMatchObject({ id: 'x' })
  })

  it('accepts a run without the inputs that have defaults', async () => {
    const sum = flow('f', (f, { a, b }: Inputs<{ a: number; b: number }>) => f.add(add, { a, b }))
    const written: Flow<{ a: number; b?: number }, number> = withDefaults(sum, { b: 7 })
    expect([await run(written, { a: 1 }), await run(written, { a: 1, b: 2 })]).toEqual([8, 3])
    expect(await run(withDefaults(written, { a: 10 }), {})).toBe(17)
  })

  it('accepts the elements of a tuple as its parts', async () => {
    const pair = task({ name: 'pair', execute: (): [string, number] => ['a', 2] })
    const written = flow('f', (f) => {
      const both = f.add(pair, {})
      return f.add(add, { a: both.at('1'), b: 0 })
    })
    await expect(run(written, {})).resolves.toBe(2)
  })

  it('accepts 200 tasks in a loop', async () => {
    const written = flow('f', (f, { start }: Inputs<{ start: number }>) => {
      let sum: Handle<number> = start
      for (let index = 0; index < 200; index++) sum = f.add(add, { a: sum, b: 1 }, { name: `add ${index}` })
      return sum
    })
    const result: number = await run(written, { start: 0 })
    expect(result).toBe(200)
  })

  it('knows what a revert is told', async () => {
    const told: unknown[] = []
    const made = task({
      name: 'made',
      execute: ({ id }: { id: string }) => ({ id, size: 1 }),
      revert: ({ id }, outcome) => {
        const size: number = outcome.ok ? outcome.result.size : outcome.failure.message.length
        told.push(id.length + size)
      },
    })
    const broken = task({
      name: 'broken',
      execute: (): number => {
        throw new Error('broke')
      },
    })
    const written = flow('f', (f) => {
      f.add(made, { id: 'abc' })
      f.add(broken, {})
    })
    await expect(run(written, {})).rejects.toThrow('broke')
    expect(told).toEqual([4])
  })

  it('lets a plugin be any task that takes what the flow has', async () => {
    const plugins = [
      task({ name: 'plugin a', execute: ({ image }: { image: string }) => `${image}a` }),
      task({ name: 'plugin b', execute: ({ image, extra }: { image: string; extra?: number }) => `${image}b${extra}` }),
    ]
    const written = flow('f', (f, { image }: Inputs<{ image: string }>) => {
      let staged: Handle<string> = image
      for (const plugin of plugins) staged = f.add(plugin, { image: staged })
      return staged
    })
    const result: string = await run(written, { image: 'x' })
    expect(result).toBe('xabundefined')
  })
})
