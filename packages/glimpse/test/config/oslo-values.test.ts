import { expect, test } from 'vitest'
import type { Option } from '../../src/config/options.ts'
import { parseValue } from '../../src/config/oslo-values.ts'

const help = 'help'
const text: Option = { type: 'string', default: null, help }
const required: Option = { type: 'string', default: 'a', help }
const mode: Option = { type: 'string', default: 'a', choices: ['a', 'b'], notYet: ['c'], help }
const integer: Option = { type: 'integer', default: 1, min: -1, max: 10, help }
const flag: Option = { type: 'boolean', default: false, help }
const list: Option = { type: 'list', default: [], help }
const bounded: Option = { type: 'list', default: [], bounds: true, help }
const chosen: Option = { type: 'list', default: [], choices: ['a', 'b'], notYet: ['c'], help }
const ports: Option = { type: 'integers', default: [], min: 1, max: 65_535, bounds: true, help }
const dict: Option = { type: 'dict', default: null, help }

test.each<[given: string, option: Option, value: unknown]>([
  ['x y', text, 'x y'],
  ['', text, null],
  ['b', mode, 'b'],
  ['10', integer, 10],
  ['-1', integer, -1],
  ['+3', integer, 3],
  ...['true', '1', 'yes', 'on', 'True', 'YES'].map((word): [string, Option, unknown] => [word, flag, true]),
  ...['false', '0', 'no', 'off', 'False', 'Off'].map((word): [string, Option, unknown] => [word, flag, false]),
  ['a,b , c', list, ['a', 'b', 'c']],
  ['', list, []],
  ['a,b,', list, ['a', 'b']],
  ['a,\nb', list, ['a', 'b']],
  ['"a,b",\'c\',d"e', list, ['a,b', 'c', 'd"e']],
  ["it's,here", list, ["it's", 'here']],
  ['[a,b]', bounded, ['a', 'b']],
  [' [ a ] ', bounded, ['a']],
  ['[]', bounded, []],
  ['[[::1],b]', bounded, ['[::1]', 'b']],
  ['a,c', chosen, ['a', 'c']],
  ['[80,443]', ports, [80, 443]],
  ['fast:file,slow:file', dict, { fast: 'file', slow: 'file' }],
  ['a:b:c, d : "e,f"', dict, { a: 'b:c', d: 'e,f' }],
  ['', dict, {}],
])('reads %j', (given, option, value) => {
  expect(parseValue(given, option)).toEqual(value)
})

test.each<[given: string, option: Option, allowed: string]>([
  ['', required, 'must not be empty'],
  ['x', mode, 'must be one of a, b'],
  ['c', mode, 'must be one of a, b; c is not supported so far'],
  ['11', integer, 'must be an integer from -1 to 10'],
  ['-2', integer, 'must be an integer from -1 to 10'],
  ['1.5', integer, 'must be an integer from -1 to 10'],
  ['0x1', integer, 'must be an integer from -1 to 10'],
  ['', integer, 'must be an integer from -1 to 10'],
  ['maybe', flag, 'must be one of true, 1, yes, on, false, 0, no, off'],
  ['a,,b', list, 'must have an item between two commas'],
  [',', list, 'must have an item between two commas'],
  ['"a', list, 'must close every "'],
  ['a,b', bounded, 'must be a list in brackets, such as [a,b]'],
  ['[a', bounded, 'must be a list in brackets, such as [a,b]'],
  ['a,x', chosen, 'must be one of a, b, c'],
  ['[80,http]', ports, 'must be an integer from 1 to 65535'],
  ['[0]', ports, 'must be an integer from 1 to 65535'],
  ['fast', dict, 'must be pairs such as a:b,c:d; "fast" is none'],
  [':file', dict, 'must be pairs such as a:b,c:d; ":file" is none'],
  ['fast:', dict, 'must be pairs such as a:b,c:d; "fast:" is none'],
  ['a:b,a:c', dict, 'must name each key once; a comes twice'],
])('refuses %j and says what is allowed', (given, option, allowed) => {
  expect(() => parseValue(given, option)).toThrow(allowed)
})
