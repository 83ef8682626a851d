import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseIni } from '../../src/config/oslo-ini.ts'

function pairs(text: string): string[][] {
  return parseIni(text, 'a.conf').entries.map(({ group, name, text }) => [group, name, text])
}

test.each<[what: string, text: string, entries: string[][]]>([
  ['an equals sign', '[DEFAULT]\na = 1', [['DEFAULT', 'a', '1']]],
  ['a colon', '[DEFAULT]\na: 1', [['DEFAULT', 'a', '1']]],
  [
    'the sign that comes first',
    '[s]\na = b:c\nd: e=f',
    [
      ['s', 'a', 'b:c'],
      ['s', 'd', 'e=f'],
    ],
  ],
  ['comments at line start only', '[s]\n# no\n; no\na = b#c ; d', [['s', 'a', 'b#c ; d']]],
  ['continuation lines', '[s]\na = b,\n  c,\n\td', [['s', 'a', 'b,\nc,\nd']]],
  ['a continuation that looks like a comment', '[s]\na = b\n  # c', [['s', 'a', 'b\n# c']]],
  [
    'repeated keys in order',
    '[s]\na = 1\nb = 2\na = 3',
    [
      ['s', 'a', '1'],
      ['s', 'b', '2'],
      ['s', 'a', '3'],
    ],
  ],
  [
    'repeated sections',
    '[s]\na = 1\n[t]\na = 2\n[s]\nb = 3',
    [
      ['s', 'a', '1'],
      ['t', 'a', '2'],
      ['s', 'b', '3'],
    ],
  ],
  [
    'names with their case',
    '[DEFAULT]\nA = 1\n[default]\na = 2',
    [
      ['DEFAULT', 'A', '1'],
      ['default', 'a', '2'],
    ],
  ],
  [
    'an empty value',
    '[s]\na =\nb = ',
    [
      ['s', 'a', ''],
      ['s', 'b', ''],
    ],
  ],
  [
    'one pair of quotes',
    '[s]\na = " b "\nc = \'d\'\ne = "f", "g"',
    [
      ['s', 'a', ' b '],
      ['s', 'c', 'd'],
      ['s', 'e', '"f", "g"'],
    ],
  ],
  ['Windows line ends and a byte order mark', '\uFEFF[s]\r\na = 1\r\n', [['s', 'a', '1']]],
])('reads %s', (_what, text, entries) => {
  expect(pairs(text)).toEqual(entries)
  expect(parseIni(text, 'a.conf').problems).toEqual([])
})

test('keeps file and line of each value and section', () => {
  const { entries, sections } = parseIni('# head\n[s]\n\na = 1\n  2\nb = 3\n', 'dir/a.conf')
  expect(sections).toEqual([{ name: 's', file: 'dir/a.conf', line: 2 }])
  expect(entries.map(({ file, line }) => `${file}:${line}`)).toEqual(['dir/a.conf:4', 'dir/a.conf:6'])
})

test.each<[what: string, text: string, problem: string]>([
  ['a line without a sign', '[s]\nabc', 'a.conf:2: cannot read "abc": write key = value, [section], or # comment'],
  ['a value without a key', '[s]\n= 1', 'a.conf:2: cannot read "": write key = value, [section], or # comment'],
  [
    'a value before any section',
    'a = 1',
    'a.conf:1: cannot read "a": a value needs a section above it, such as [DEFAULT]',
  ],
  ['an open section', '[s', 'a.conf:1: cannot read "[s": a section is written [name]'],
  ['a section without a name', '[]', 'a.conf:1: cannot read "[]": a section is written [name]'],
  [
    'a continuation of nothing',
    '[s]\n  b',
    'a.conf:2: cannot read "b": an indented line continues the value above it, and there is none',
  ],
  [
    'a continuation after an empty line',
    '[s]\na = 1\n\n  b',
    'a.conf:4: cannot read "b": an indented line continues the value above it, and there is none',
  ],
  [
    'a continuation after a comment',
    '[s]\na = 1\n# c\n  b',
    'a.conf:4: cannot read "b": an indented line continues the value above it, and there is none',
  ],
])('names file and line of %s', (_what, text, problem) => {
  expect(parseIni(text, 'a.conf').problems).toEqual([problem])
})

test('goes on after a mistake and never repeats a value, which may be a password', () => {
  const { entries, problems } = parseIni('password = secret\n[s]\n  admin: secret\na = 1', 'a.conf')
  expect(problems).toHaveLength(2)
  expect(problems.join()).not.toContain('secret')
  expect(entries).toHaveLength(1)
})

test('reads back whatever is printed', () => {
  const word = fc.stringMatching(/^[A-Za-z_][\w.-]*$/)
  const line = fc.stringMatching(/^[^\s"'](?:[^\n\r\v\f\u2028\u2029]*[^\s"'])?$/)
  const file = fc.array(fc.record({ group: word, name: word, lines: fc.array(line, { maxLength: 3 }) }))
  fc.assert(
    fc.property(file, fc.constantFrom(' = ', '=', ': ', ':'), (entries, sign) => {
      const printed = entries.map(({ group, name, lines }) => `[${group}]\n${name}${sign}${lines.join('\n  ')}\n\n`)
      expect(pairs(printed.join(''))).toEqual(entries.map(({ group, name, lines }) => [group, name, lines.join('\n')]))
    }),
  )
})
