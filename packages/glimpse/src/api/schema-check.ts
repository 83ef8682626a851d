import { Compile } from 'typebox/compile'
import type { TLocalizedValidationError } from 'typebox/error'
import { ServiceError } from '../domain/errors.ts'
import { pythonText } from './python-text.ts'
import type { NamedSchema } from './route.ts'

/** @throws ServiceError `schema`, with the first thing that is wrong. */
export type Check = (value: unknown) => void

/**
 * Makes a check of values against a schema. Its texts are those that users of Glance know, made by Python's
 * jsonschema: what is wrong with which value, the keyword that says so, and where.
 *
 * @example
 * compileCheck({ name: 'image', schema })({ min_disk: 'x' })
 * // Provided object does not match schema 'image': 'x' is not of type 'integer'
 * //
 * // Failed validating 'type' in schema['properties']['min_disk']
 * //
 * // On instance['min_disk']:
 * //     'x'
 */
export function compileCheck({ name, schema }: NamedSchema): Check {
  const compiled = Compile(schema)
  return (value) => {
    if (compiled.Check(value)) return
    const first = compiled.Errors(value).find(isComplaint)
    throw new ServiceError('schema', { schema: name, reason: first ? explain(first, value) : 'it is not valid' })
  }
}

function explain(error: TLocalizedValidationError, value: unknown): string {
  const instancePath = pointerParts(error.instancePath)
  const schemaPath = pointerParts(error.schemaPath.replace(/^#/, ''))
  const instance = valueAt(value, instancePath)
  const shown = pythonText(instance)
  const failed = `Failed validating '${error.keyword}' in schema${brackets(schemaPath, error)}`
  return `${complaint(error, shown)}\n\n${failed}\n\nOn instance${brackets(instancePath, error)}:\n    ${shown}`
}

function complaint({ keyword, params, message }: TLocalizedValidationError, shown: string): string {
  const given = params as Readonly<Record<string, unknown>>
  switch (keyword) {
    case 'type':
      return `${shown} is not of type ${[given['type']].flat().map(pythonText).join(', ')}`
    case 'enum':
      return `${shown} is not one of ${pythonText(given['allowedValues'])}`
    case 'const':
      return `${pythonText(given['allowedValue'])} was expected`
    case 'maxLength':
    case 'maxItems':
      return `${shown} is too long`
    case 'pattern':
      return `${shown} does not match ${pythonText(String(given['pattern']))}`
    case 'required':
      return `${[given['requiredProperties']].flat().map(pythonText).join(', ')} is a required property`
    case 'additionalProperties':
      return unexpected(given['additionalProperties'])
    default:
      return `${shown} ${message}`
  }
}

/** That a value is forbidden by the schema `false` says nothing; the object that it is in is told about by its name. */
function isComplaint({ keyword }: TLocalizedValidationError): boolean {
  return keyword !== 'boolean'
}

function unexpected(given: unknown): string {
  const names = [given].flat().map(pythonText)
  return `Additional properties are not allowed (${names.join(', ')} ${names.length === 1 ? 'was' : 'were'} unexpected)`
}

function pointerParts(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value
  for (const part of path) at = (at as Readonly<Record<string, unknown>>)[part]
  return at
}

function brackets(path: readonly string[], { keyword }: TLocalizedValidationError): string {
  if (path.length === 0 && keyword === 'type') return ''
  return path.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `[${pythonText(part)}]`)).join('')
}
