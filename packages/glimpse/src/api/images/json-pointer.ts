import { ServiceError } from '../../domain/errors.ts'

/**
 * Splits a JSON pointer, of which this API takes a limited form: it begins with a slash, no part of it is empty.
 *
 * Source: RFC 6901; Glance's `_validate_json_pointer`.
 *
 * @example
 * parsePointer('/a~1b') // ['a/b']
 * @throws ServiceError `invalid`.
 */
export function parsePointer(pointer: string): string[] {
  const fault = faultOf(pointer)
  if (fault !== undefined) throw new ServiceError('invalid', { reason: `Pointer \`${pointer}\` ${fault}` })
  return pointer
    .replace(/^\/+/, '')
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~').trim())
}

function faultOf(pointer: string): string | undefined {
  if (!pointer.startsWith('/')) return 'does not start with "/".'
  if (/\/\s*\//.test(pointer.slice(1))) return 'contains adjacent "/".'
  if (pointer.length > 1 && pointer.endsWith('/')) return 'end with "/".'
  if (pointer.slice(1).trim() === '' || pointer.startsWith('//')) return 'does not contains valid token.'
  if (/~(?![01])/.test(pointer)) return 'contains "~" not part of a recognized escape sequence.'
  return undefined
}
